"""What people put into chats, and which of it a bot is told."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from sandbox.controls import TelegramControls
from sandbox.telegram import entities, messages
from sandbox.telegram.acts import Someone
from sandbox.telegram.entities import Text
from sandbox.telegram.media import Media
from sandbox.telegram.messages import Chat, Chats, Json, Message
from sandbox.telegram.refusals import Refusal
from sandbox.telegram.seen import Seen
from sandbox.telegram.updates import Updates

_KEPT: Final = frozenset({"first_name", "last_name", "username", "language_code", "is_premium"})


@dataclass(frozen=True, kw_only=True)
class Said:
    """What came of a message.

    Attributes:
        n: The number under which it was seen; what the bot does about it comes later.
        update: What the bot was told, or nothing.
    """

    message: Message
    n: int
    update: Json | None


class Speaking:
    """The people, and the chats as they write into them."""

    def __init__(
        self,
        chats: Chats,
        updates: Updates,
        seen: Seen,
        controls: TelegramControls,
        bot_id: Callable[[], int],
    ) -> None:
        self._chats = chats
        self._updates = updates
        self._seen = seen
        self._controls = controls
        self._bot_id = bot_id
        self._people: dict[int, Json] = {}

    def bot(self) -> Json:
        """Return the bot as a `User`."""
        return messages.user(self._bot_id())

    def person(self, someone: Someone) -> Json:
        """Return somebody as a `User`, and remember what is new about them."""
        blank: Json = {"id": someone.id, "is_bot": False, "first_name": f"User {someone.id}"}
        known = self._people.get(someone.id, blank)
        given = someone.model_dump(include=set(_KEPT), exclude_none=True)
        person = self._people[someone.id] = known | given
        self._chats.get(someone.id).person = person
        return person

    def known(self, user_id: int) -> Json:
        """Return somebody who has done something before as a `User`.

        Raises:
            Refusal: Nobody of this id has.
        """
        if user_id not in self._people:
            raise Refusal("USER_ID_INVALID")
        return self._people[user_id]

    def chat(self, chat_id: int) -> Chat:
        """Return a chat for somebody who is going to do something there.

        Raises:
            Refusal: It is no chat (any more), or its person has blocked the bot.
        """
        return self._chats.open(chat_id)

    def whatever_chat(self, chat_id: int) -> Chat:
        """Return a chat, whether anything can be done there or not.

        Raises:
            Refusal: It is none.
        """
        return self._chats.get(chat_id)

    def text(self, plain: str, marks: list[Json]) -> Text:
        """Return what a person writes, with the entities that Telegram adds."""
        return Text(plain, (*entities.detected(plain), *marks))

    async def say(
        self,
        author: Json,
        chat: Chat,
        kind: str,
        *,
        text: Text | None = None,
        media: Media | None = None,
        reply_to: int | None = None,
        media_group_id: str | None = None,
        service: Json | None = None,
    ) -> Said:
        """Put a message into a chat, and tell the bot if it is for it."""
        words = text or Text()
        message = messages.new(
            chat, bot_id=self._bot_id(), kind=kind, raw=words.plain, parse_mode="", text=words
        )
        message = self._chats.add(
            chat,
            replace(
                message,
                author=author,
                media=media,
                reply_to=reply_to if reply_to in chat.messages else None,
                media_group_id=media_group_id,
                service=service or {},
            ),
        )
        self._seen.sent(message)
        n = self._seen.last
        update = None
        if self._is_for_bot(chat, message):
            update = await self.tell({"message": messages.shape(chat, message)})
        return Said(message=message, n=n, update=update)

    async def tell(self, body: Json) -> Json | None:
        """Bring an update to the bot; return it, or nothing if the bot does not want such."""
        return await self._updates.add(body)

    def clear(self) -> None:
        """Forget everybody."""
        self._people.clear()

    def _is_for_bot(self, chat: Chat, message: Message) -> bool:
        """Say whether a bot sees it: in groups, with privacy mode on, it sees little."""
        if chat.private or message.service or not self._controls.privacy:
            return True
        replied = chat.messages.get(message.reply_to or 0)
        if replied is not None and replied.author is None:
            return True
        return any(self._names_bot(message, each) for each in message.text.entities)

    def _names_bot(self, message: Message, entity: Json) -> bool:
        words = entities.cut(message.text.plain, entity.get("offset"), entity.get("length"))
        name = f"@{self.bot()['username']}"
        if entity.get("type") == "bot_command":
            return "@" not in words or words.endswith(name)
        return entity.get("type") == "mention" and words == name
