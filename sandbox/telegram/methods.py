"""The methods of the Bot API: what each does to the chats, and what it returns."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final

from sandbox.telegram import calls, limits, messages
from sandbox.telegram.calls import Call
from sandbox.telegram.display import Display
from sandbox.telegram.media import Files, Media
from sandbox.telegram.messages import Chat, Chats, Json, Message
from sandbox.telegram.refusals import Refusal
from sandbox.telegram.updates import Updates

FILES: Final = ("photo", "video", "audio", "document", "animation")


Method = Callable[[Call], Awaitable[object]]


class Methods:
    """The methods over one set of chats; names are looked up without regard to case."""

    def __init__(self, *, chats: Chats, files: Files, updates: Updates, display: Display) -> None:
        self._chats = chats
        self._files = files
        self._updates = updates
        self._display = display
        self._table: dict[str, Method] = {
            "getme": self._get_me,
            "sendmessage": self._send_message,
            "sendmediagroup": self._send_media_group,
            "editmessagetext": self._edit_text,
            "editmessagecaption": self._edit_caption,
            "editmessagemedia": self._edit_media,
            "editmessagereplymarkup": self._edit_markup,
            "deletemessage": self._delete,
            "sendchataction": self._in_a_chat,
            "getchat": self._get_chat,
            "getfile": self._get_file,
            "setwebhook": self._set_webhook,
            "deletewebhook": self._delete_webhook,
            "getwebhookinfo": self._get_webhook_info,
            "getupdates": self._get_updates,
            "answercallbackquery": _yes,
            "setmycommands": _yes,
            "deletemycommands": _yes,
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
        chat = self._chats.get(call.text("chat_id"))
        text = limits.text(call.text("text"), call.text("parse_mode"))
        return self._add(chat, call, messages.new(
            chat, bot_id=call.bot_id, kind="text", raw=call.text("text"),
            parse_mode=call.text("parse_mode"), text=text,
        ))  # fmt: skip

    def _sender_of(self, kind: str) -> Method:
        async def send(call: Call) -> object:
            chat = self._chats.get(call.text("chat_id"))
            media = await self._files.take(kind, call.text(kind), call.form)
            return self._add(chat, call, _with_file(chat, call, media, call.form.fields))

        return send

    async def _send_media_group(self, call: Call) -> object:
        chat = self._chats.get(call.text("chat_id"))
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
        return [self._add(chat, call, replace(one, media_group_id=group)) for one in made]

    def _add(self, chat: Chat, call: Call, message: Message) -> Json:
        markup = call.record("reply_markup")
        reply_to = _reply_to(chat, call)
        message = replace(message, reply_markup=markup, reply_to=reply_to)
        added = self._chats.add(chat, message)
        self._display.sent(added)
        return messages.shape(chat, added)

    async def _edit_text(self, call: Call) -> object:
        chat, before = self._edited(call)
        if before.kind != "text":
            raise Refusal("there is no text in the message to edit")
        raw, mode = call.text("text"), call.text("parse_mode")
        after = replace(before, raw=raw, parse_mode=mode, text=limits.text(raw, mode))
        return self._change(chat, call, before, after)

    async def _edit_caption(self, call: Call) -> object:
        chat, before = self._edited(call)
        if before.kind == "text":
            raise Refusal("there is no caption in the message to edit")
        raw, mode = call.text("caption"), call.text("parse_mode")
        after = replace(before, raw=raw, parse_mode=mode, text=limits.caption(raw, mode))
        return self._change(chat, call, before, after)

    async def _edit_media(self, call: Call) -> object:
        chat, _ = self._edited(call)
        item = call.record("media") or {}
        if item.get("type") not in FILES:
            raise Refusal("can't parse InputMedia: type is unknown")
        media = await self._files.take(str(item["type"]), _named(item), call.form)
        fresh = _with_file(chat, call, media, _texts(item))
        # Taking the file took time: the message may be another by now.
        chat, before = self._edited(call)
        after = replace(
            before,
            kind=fresh.kind,
            raw=fresh.raw,
            parse_mode=fresh.parse_mode,
            text=fresh.text,
            media=media,
        )
        return self._change(chat, call, before, after)

    async def _edit_markup(self, call: Call) -> object:
        chat, before = self._edited(call)
        return self._change(chat, call, before, before)

    def _edited(self, call: Call) -> tuple[Chat, Message]:
        chat = self._chats.get(call.text("chat_id"))
        message = chat.messages.get(call.number("message_id"))
        if message is None:
            raise Refusal("message to edit not found")
        return chat, message

    def _change(self, chat: Chat, call: Call, before: Message, after: Message) -> Json:
        # An edit without a keyboard takes the keyboard away.
        after = replace(after, reply_markup=call.record("reply_markup"))
        if messages.same(before, after):
            raise Refusal(
                "message is not modified: specified new message content and reply markup are"
                " exactly the same as a current content and reply markup of the message"
            )
        after = replace(after, edits=before.edits + 1)
        chat.messages[after.message_id] = after
        self._display.edited(after)
        return messages.shape(chat, after)

    async def _delete(self, call: Call) -> object:
        chat = self._chats.get(call.text("chat_id"))
        gone = chat.messages.pop(call.number("message_id"), None)
        if gone is None:
            raise Refusal("message to delete not found")
        self._display.deleted(gone)
        return True

    async def _in_a_chat(self, call: Call) -> object:
        self._chats.get(call.text("chat_id"))
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
        media = self._files.known(call.text("file_id"))
        return {
            "file_id": media.file_id,
            "file_unique_id": media.sha256[:15],
            "file_size": media.size,
            "file_path": media.path,
        }

    async def _set_webhook(self, call: Call) -> object:
        self._updates.webhook = call.text("url")
        self._updates.secret = call.text("secret_token")
        if call.flag("drop_pending_updates"):
            self._updates.pending.clear()
        return True

    async def _delete_webhook(self, call: Call) -> object:
        self._updates.webhook = self._updates.secret = ""
        if call.flag("drop_pending_updates"):
            self._updates.pending.clear()
        return True

    async def _get_webhook_info(self, _: Call) -> object:
        return {
            "url": self._updates.webhook,
            "has_custom_certificate": False,
            "pending_update_count": len(self._updates.pending),
        }

    async def _get_updates(self, call: Call) -> object:
        if self._updates.webhook:
            raise Refusal(
                "can't use getUpdates method while webhook is active;"
                " use deleteWebhook to delete the webhook first",
                code=409,
            )
        return await self._updates.get(
            offset=call.number("offset"),
            limit=call.number("limit", 100),
            timeout=call.number("timeout"),
        )


async def _yes(_: Call) -> object:
    return True


def _with_file(chat: Chat, call: Call, media: Media, texts: dict[str, str]) -> Message:
    raw, mode = texts.get("caption", ""), texts.get("parse_mode", "")
    parsed = limits.caption(raw, mode)
    made = messages.new(
        chat, bot_id=call.bot_id, kind=media.kind, raw=raw, parse_mode=mode, text=parsed
    )
    return replace(made, media=media)


def _reply_to(chat: Chat, call: Call) -> int | None:
    wanted = call.record("reply_parameters")
    if wanted is None:
        return None
    number = wanted.get("message_id")
    if isinstance(number, int) and number in chat.messages:
        return number
    if wanted.get("allow_sending_without_reply"):
        return None
    raise Refusal("message to be replied not found")


def _named(item: Json) -> str:
    named = item.get("media")
    if not isinstance(named, str) or not named:
        raise Refusal("can't parse InputMedia: media not found")
    return named


def _texts(item: Json) -> dict[str, str]:
    return {key: value for key, value in item.items() if isinstance(value, str)}
