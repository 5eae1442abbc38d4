"""What a bot puts into chats, changes there and takes away."""

from dataclasses import replace
from typing import Final

from sandbox.telegram import keyboards, messages
from sandbox.telegram.calls import Call
from sandbox.telegram.messages import Chat, Chats, Json, Message
from sandbox.telegram.refusals import Refusal
from sandbox.telegram.seen import Seen

_SAME: Final = (
    "message is not modified: specified new message content and reply markup are"
    " exactly the same as a current content and reply markup of the message"
)


class Posting:
    """The chats as a bot may change them; people see what it does."""

    def __init__(self, chats: Chats, seen: Seen) -> None:
        self._chats = chats
        self._seen = seen

    def add(self, chat: Chat, call: Call, message: Message) -> Json:
        """Put a bot's message into a chat, and return it as the Bot API shows it.

        Its reply and, unless it has one, its keyboard are those of the call.

        Raises:
            Refusal: There is nothing to reply to, or the keyboard is not well-formed.
        """
        markup = message.reply_markup or keyboards.of(call)
        reply_to = _reply_to(chat, call)
        added = self._chats.add(chat, replace(message, reply_markup=markup, reply_to=reply_to))
        self._seen.sent(added)
        return messages.shape(chat, added)

    def edited(self, call: Call) -> tuple[Chat, Message]:
        """Return the message that a call wants to change.

        Raises:
            Refusal: It is not there, or not the bot's, or the bot may not write there.
        """
        chat = self._chats.open(call.text("chat_id"))
        message = chat.messages.get(call.number("message_id"))
        if message is None:
            raise Refusal("message to edit not found")
        if message.author is not None:
            raise Refusal("message can't be edited")
        return chat, message

    def change(self, chat: Chat, call: Call, before: Message, after: Message) -> Json:
        """Put a changed message in its place, and return it as the Bot API shows it.

        Raises:
            Refusal: Nothing changes, or the keyboard is not well-formed.
        """
        # An edit without a keyboard takes the keyboard away.
        after = replace(after, reply_markup=keyboards.of(call))
        if messages.same(before, after):
            raise Refusal(_SAME)
        after = replace(after, edits=before.edits + 1)
        chat.messages[after.message_id] = after
        self._seen.edited(after)
        return messages.shape(chat, after)

    def delete(self, call: Call) -> None:
        """Take away the message that a call names.

        Raises:
            Refusal: It is not there, or somebody's own in a group.
        """
        chat = self._chats.open(call.text("chat_id"))
        gone = chat.messages.get(call.number("message_id"))
        if gone is None:
            raise Refusal("message to delete not found")
        if gone.author is not None and not chat.private:
            raise Refusal("message can't be deleted")
        del chat.messages[gone.message_id]
        self._seen.deleted(gone)


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
