"""Bots let in and kept out, and groups that become supergroups."""

import time
from typing import Final

from sandbox.telegram import messages
from sandbox.telegram.acts import Turn
from sandbox.telegram.messages import Chat, Json
from sandbox.telegram.refusals import Refusal
from sandbox.telegram.seen import Seen
from sandbox.telegram.speaking import Speaking

_SUPERGROUP: Final = "-100"


class Membership:
    """Whether the bot is in a chat, and which chat that is."""

    def __init__(self, speaking: Speaking, seen: Seen) -> None:
        self._speaking = speaking
        self._seen = seen

    async def turn(self, person: Json, act: Turn) -> Json:
        """Keep the bot out of a chat, or let it in again; it is told of either."""
        chat, block = self._speaking.whatever_chat(act.where), act.act == "block"
        n = self._seen.last
        before, after = ("member", "kicked") if block else ("kicked", "member")
        chat.closed = _sentence(chat) if block else ""
        update = await self._speaking.tell({
            "my_chat_member": {
                "chat": messages.chat_shape(chat),
                "from": person,
                "date": int(time.time()),
                "old_chat_member": self._member(before),
                "new_chat_member": self._member(after),
            }
        })  # fmt: skip
        return {"n": n, "update": update}

    async def upgrade(self, person: Json, chat: Chat) -> Json:
        """Make a group a supergroup; the bot is told in both.

        Raises:
            Refusal: It is no group.
        """
        if chat.private or chat.name or str(chat.id).startswith(_SUPERGROUP):
            raise Refusal("only a group can be upgraded")
        n = self._seen.last
        chat.moved_to = int(f"{_SUPERGROUP}{-chat.id:010}")
        here: Json = {"migrate_to_chat_id": chat.moved_to}
        there: Json = {"migrate_from_chat_id": chat.id}
        said = await self._speaking.say(person, chat, "service", service=here)
        new = self._speaking.whatever_chat(chat.moved_to)
        await self._speaking.say(person, new, "service", service=there)
        return {"n": n, "update": said.update, "chat_id": chat.moved_to}

    def _member(self, status: str) -> Json:
        until: Json = {"until_date": 0} if status == "kicked" else {}
        return {"user": self._speaking.bot(), "status": status} | until


def _sentence(chat: Chat) -> str:
    if chat.private:
        return "bot was blocked by the user"
    kind = "supergroup" if str(chat.id).startswith(_SUPERGROUP) else "group"
    return f"bot was kicked from the {kind} chat"
