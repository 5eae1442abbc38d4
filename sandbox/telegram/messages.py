"""Chats and their messages as they stand, and the shapes in which the Bot API shows them."""

import json
import time
import zlib
from dataclasses import dataclass, field, replace

from sandbox.telegram.entities import Text
from sandbox.telegram.invoices import Invoice
from sandbox.telegram.media import Media
from sandbox.telegram.refusals import Refusal

UNKNOWN_CHAT = 404404

Json = dict[str, object]


@dataclass(frozen=True, kw_only=True)
class Message:
    """One message; an edit makes a new record in its place.

    Attributes:
        author: The person who wrote it, as a `User`; nothing: the bot did.
        kind: `text`, `invoice`, `service`, or the kind of its file.
        raw: The text or caption as it was sent, marks included.
        text: The text or caption as readers see it.
        reply_to: Id of the message replied to, or nothing.
        invoice: What is to be paid, or nothing.
        charge_id: What the invoice was paid by, empty while it is not.
        service: What a service message tells, by the field's name in the Bot API.
        edits: How many times it was changed.
        date: When it was sent, in seconds since 1970.
    """

    message_id: int
    chat_id: int
    bot_id: int
    kind: str
    raw: str
    parse_mode: str
    text: Text
    date: int
    author: Json | None = None
    media: Media | None = None
    invoice: Invoice | None = None
    charge_id: str = ""
    service: Json = field(default_factory=dict[str, object])
    reply_to: int | None = None
    reply_markup: Json | None = None
    media_group_id: str | None = None
    edits: int = 0


@dataclass
class Chat:
    """One chat and all that is in it, oldest first.

    Attributes:
        name: The @name of a channel.
        person: In a private chat, whoever it is with, as a `User`, once it is known.
        closed: Telegram's sentence to a bot that may not write here (any more), or empty.
        moved_to: The supergroup that this group was upgraded to, or 0.
    """

    id: int
    messages: dict[int, Message] = field(default_factory=dict[int, Message])
    last_id: int = 0
    name: str = ""
    person: Json | None = None
    closed: str = ""
    moved_to: int = 0

    @property
    def private(self) -> bool:
        """Whether it is with one person."""
        return self.id > 0


class Chats:
    """All chats; one that nobody wrote to yet comes into being when it is needed."""

    def __init__(self) -> None:
        self._chats: dict[int, Chat] = {}

    def get(self, chat_id: str | int) -> Chat:
        """Return the chat of an id or of an @name.

        Raises:
            Refusal: There is no such chat.
        """
        given = str(chat_id).strip()
        if given.startswith("@") and len(given) > 1:
            number, name = -1_000_000_000_000 - zlib.crc32(given.encode()), given
        elif given.removeprefix("-").isdecimal() and given.isascii():
            number, name = int(given), ""
        else:
            raise Refusal("chat_id is empty" if not given else "chat not found")
        if abs(number) == UNKNOWN_CHAT or number == 0:
            raise Refusal("chat not found")
        return self._chats.setdefault(number, Chat(number, name=name))

    def open(self, chat_id: str | int) -> Chat:
        """Return the chat of an id or of an @name, for a bot that is going to do something there.

        Raises:
            Refusal: There is no such chat, or the bot may not write there.
        """
        chat = self.get(chat_id)
        if chat.moved_to:
            raise Refusal(
                "group chat was upgraded to a supergroup chat",
                parameters={"migrate_to_chat_id": chat.moved_to},
            )
        if chat.closed:
            raise Refusal(chat.closed, code=403)
        return chat

    def add(self, chat: Chat, message: Message) -> Message:
        """Put a new message into its chat, under the next id of that chat."""
        chat.last_id += 1
        added = replace(message, message_id=chat.last_id)
        chat.messages[chat.last_id] = added
        return added

    def clear(self) -> None:
        """Forget every chat."""
        self._chats.clear()


def new(chat: Chat, *, bot_id: int, kind: str, raw: str, parse_mode: str, text: Text) -> Message:
    """Return a message that is not in its chat yet."""
    return Message(
        message_id=0,
        chat_id=chat.id,
        bot_id=bot_id,
        kind=kind,
        raw=raw,
        parse_mode=parse_mode,
        text=text,
        date=int(time.time()),
    )


def user(bot_id: int) -> Json:
    """Return the bot as a `User`."""
    return {
        "id": bot_id,
        "is_bot": True,
        "first_name": "Sandbox",
        "username": f"sandbox_{bot_id}_bot",
    }


def chat_shape(chat: Chat) -> Json:
    """Return a chat as the Bot API shows it, its type guessed from its id."""
    if chat.private:
        known = chat.person or {"first_name": f"User {chat.id}"}
        names = {"first_name", "last_name", "username"} & known.keys()
        return {"id": chat.id, "type": "private"} | {name: known[name] for name in sorted(names)}
    if chat.name:
        return {"id": chat.id, "type": "channel", "title": chat.name, "username": chat.name[1:]}
    kind = "supergroup" if str(chat.id).startswith("-100") else "group"
    return {"id": chat.id, "type": kind, "title": f"Chat {chat.id}"}


def shape(chat: Chat, message: Message, *, nested: bool = True) -> Json:
    """Return a message as the Bot API shows it; a nested one is shown without its own reply."""
    shown: Json = {
        "message_id": message.message_id,
        "date": message.date,
        "chat": chat_shape(chat),
        "from": message.author or user(message.bot_id),
    }
    if message.edits:
        shown["edit_date"] = int(time.time())
    if message.media_group_id is not None:
        shown["media_group_id"] = message.media_group_id
    if message.reply_markup is not None and "inline_keyboard" in message.reply_markup:
        shown["reply_markup"] = message.reply_markup
    replied = chat.messages.get(message.reply_to or 0)
    if nested and replied is not None:
        shown["reply_to_message"] = shape(chat, replied, nested=False)
    return shown | _content(message)


def same(before: Message, after: Message) -> bool:
    """Say whether an edit changes nothing, which Telegram refuses."""
    uploaded = after.media is not None and after.media.by == "upload"
    fresh = uploaded and after.media is not before.media
    return not fresh and _essence(before) == _essence(after)


def _essence(message: Message) -> tuple[object, ...]:
    file = None if message.media is None else message.media.file_id
    markup = json.dumps(message.reply_markup, sort_keys=True)
    return message.kind, message.text, file, markup


def _content(message: Message) -> Json:
    word = "text" if message.media is None else "caption"
    content: Json = dict(message.service)
    if message.invoice is not None:
        return content | {"invoice": message.invoice.shown()}
    if message.text.plain:
        content[word] = message.text.plain
    if message.text.entities:
        content["entities" if word == "text" else "caption_entities"] = list(message.text.entities)
    if message.media is not None:
        content |= _file(message.media)
    return content


def _file(media: Media) -> Json:
    size = _size(media)
    file = {name: size[name] for name in ("file_id", "file_unique_id", "file_size")}
    named: Json = {"file_name": media.filename, "mime_type": media.content_type}
    match media.kind:
        case "photo":
            return {"photo": [_size(each) for each in (*media.smaller, media)]}
        case "video" | "animation":
            return {media.kind: size | named | {"duration": 1}}
        case "audio":
            return {"audio": file | named | {"duration": 1}}
        case "sticker":
            kind: Json = {"type": "regular", "is_animated": True, "is_video": False}
            return {"sticker": size | kind}
        case _:
            return {"document": file | named}


def _size(media: Media) -> Json:
    return {
        "file_id": media.file_id,
        "file_unique_id": media.sha256[:15],
        "file_size": media.size,
        "width": media.width,
        "height": media.height,
    }
