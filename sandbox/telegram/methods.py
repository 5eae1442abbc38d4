"""The methods of the Bot API: what each does to the chats, and what it returns."""

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from sandbox.telegram import calls, limits, messages
from sandbox.telegram.calls import Call, Method
from sandbox.telegram.media import Files, Media
from sandbox.telegram.messages import Chat, Chats, Json, Message
from sandbox.telegram.posting import Posting
from sandbox.telegram.questions import Questions
from sandbox.telegram.refusals import Refusal
from sandbox.telegram.seen import Seen

FILES: Final = ("photo", "video", "audio", "document", "animation")


class Methods:
    """The methods over one set of chats; names are looked up without regard to case."""

    def __init__(
        self,
        *,
        chats: Chats,
        files: Files,
        posting: Posting,
        questions: Questions,
        seen: Seen,
        others: Mapping[str, Method],
    ) -> None:
        """Prepare.

        Args:
            chats: Where it all happens.
            files: The files there.
            posting: Changes the chats as a bot may.
            questions: What the bot is asked.
            seen: What people see of it.
            others: Further methods, by their names in small letters.
        """
        self._chats = chats
        self._files = files
        self._posting = posting
        self._questions = questions
        self._seen = seen
        self._table: dict[str, Method] = {
            **others,
            "getme": self._get_me,
            "sendmessage": self._send_message,
            "sendmediagroup": self._send_media_group,
            "editmessagetext": self._edit_text,
            "editmessagecaption": self._edit_caption,
            "editmessagemedia": self._edit_media,
            "editmessagereplymarkup": self._edit_markup,
            "deletemessage": self._delete,
            "sendchataction": self._send_action,
            "getchat": self._get_chat,
            "getfile": self._get_file,
            "answercallbackquery": self._answer_tap,
            "logout": _yes,
            "close": _yes,
        } | {f"send{kind}": self._sender_of(kind) for kind in FILES}

    async def call(self, method: str, call: Call) -> object:
        """Do a call and return its result.

        Raises:
            Refusal: It cannot be done; nothing has changed.
        """
        known = self._table.get(method.lower())
        if known is None:
            raise Refusal("method not found", code=404)
        return await known(call)

    async def _get_me(self, call: Call) -> object:
        groups = {"can_join_groups": True, "can_read_all_group_messages": False}
        return messages.user(call.bot_id) | groups | {"supports_inline_queries": False}

    async def _send_message(self, call: Call) -> object:
        chat = self._chats.open(call.text("chat_id"))
        text = limits.text(call.text("text"), call.text("parse_mode"))
        return self._posting.add(chat, call, messages.new(
            chat, bot_id=call.bot_id, kind="text", raw=call.text("text"),
            parse_mode=call.text("parse_mode"), text=text,
        ))  # fmt: skip

    def _sender_of(self, kind: str) -> Method:
        async def send(call: Call) -> object:
            chat = self._chats.open(call.text("chat_id"))
            media = await self._files.take(kind, call.text(kind), call.form)
            return self._posting.add(chat, call, _with_file(chat, call, media, call.form.fields))

        return send

    async def _send_media_group(self, call: Call) -> object:
        chat = self._chats.open(call.text("chat_id"))
        listed = call.structure("media")
        if not isinstance(listed, list):
            raise Refusal("can't parse media JSON object")
        # A JSON array holds anything; each item is looked at on its own.
        values: list[object] = list(listed)  # pyright: ignore[reportUnknownArgumentType]
        items = [calls.record(value, "media") for value in values]
        limits.album([str(item.get("type")) for item in items])
        made: list[Message] = []
        for item in items:
            media = await self._files.take(str(item["type"]), _named(item), call.form)
            made.append(_with_file(chat, call, media, _texts(item)))
        group = str(time.monotonic_ns())
        return [self._posting.add(chat, call, replace(one, media_group_id=group)) for one in made]

    async def _edit_text(self, call: Call) -> object:
        chat, before = self._posting.edited(call)
        if before.kind != "text":
            raise Refusal("there is no text in the message to edit")
        raw, mode = call.text("text"), call.text("parse_mode")
        after = replace(before, raw=raw, parse_mode=mode, text=limits.text(raw, mode))
        return self._posting.change(chat, call, before, after)

    async def _edit_caption(self, call: Call) -> object:
        chat, before = self._posting.edited(call)
        if before.media is None:
            raise Refusal("there is no caption in the message to edit")
        raw, mode = call.text("caption"), call.text("parse_mode")
        after = replace(before, raw=raw, parse_mode=mode, text=limits.caption(raw, mode))
        return self._posting.change(chat, call, before, after)

    async def _edit_media(self, call: Call) -> object:
        chat, _ = self._posting.edited(call)
        item = call.record("media") or {}
        if item.get("type") not in FILES:
            raise Refusal("can't parse InputMedia: type is unknown")
        media = await self._files.take(str(item["type"]), _named(item), call.form)
        fresh = _with_file(chat, call, media, _texts(item))
        # Taking the file took time: the message may be another by now.
        chat, before = self._posting.edited(call)
        after = replace(
            before,
            kind=fresh.kind,
            raw=fresh.raw,
            parse_mode=fresh.parse_mode,
            text=fresh.text,
            media=media,
        )
        return self._posting.change(chat, call, before, after)

    async def _edit_markup(self, call: Call) -> object:
        chat, before = self._posting.edited(call)
        return self._posting.change(chat, call, before, before)

    async def _delete(self, call: Call) -> object:
        self._posting.delete(call)
        return True

    async def _send_action(self, call: Call) -> object:
        chat = self._chats.open(call.text("chat_id"))
        self._seen.happened("action", chat.id, action=call.text("action"))
        return True

    async def _answer_tap(self, call: Call) -> object:
        asked = self._questions.answer("tap", call.text("callback_query_id"), {})
        self._seen.happened(
            "answer",
            asked.chat_id,
            user_id=asked.user_id,
            query_id=asked.id,
            text=call.text("text"),
            show_alert=call.flag("show_alert"),
            url=call.text("url") or None,
        )
        return True

    async def _get_chat(self, call: Call) -> object:
        chat = self._chats.get(call.text("chat_id"))
        full = {"accent_color_id": 0, "max_reaction_count": 11}
        gifts = dict.fromkeys(
            (
                "unlimited_gifts",
                "limited_gifts",
                "unique_gifts",
                "premium_subscription",
                "gifts_from_channels",
            ),
            True,
        )
        return messages.chat_shape(chat) | full | {"accepted_gift_types": gifts}

    async def _get_file(self, call: Call) -> object:
        media = self._files.downloadable(call.text("file_id"))
        return {
            "file_id": media.file_id,
            "file_unique_id": media.sha256[:15],
            "file_size": media.size,
            "file_path": media.path,
        }


async def _yes(_: Call) -> object:
    return True


def _with_file(chat: Chat, call: Call, media: Media, texts: dict[str, str]) -> Message:
    raw, mode = texts.get("caption", ""), texts.get("parse_mode", "")
    parsed = limits.caption(raw, mode)
    made = messages.new(
        chat, bot_id=call.bot_id, kind=media.kind, raw=raw, parse_mode=mode, text=parsed
    )
    return replace(made, media=media)


def _named(item: Json) -> str:
    named = item.get("media")
    if not isinstance(named, str) or not named:
        raise Refusal("can't parse InputMedia: media not found")
    return named


def _texts(item: Json) -> dict[str, str]:
    return {key: value for key, value in item.items() if isinstance(value, str)}
