"""A person's taps on the buttons below a message."""

import zlib

from sandbox.telegram import keyboards, messages
from sandbox.telegram.acts import Tap
from sandbox.telegram.messages import Chat, Json, Message
from sandbox.telegram.questions import Questions
from sandbox.telegram.refusals import Refusal
from sandbox.telegram.seen import Seen
from sandbox.telegram.speaking import Speaking


class Tapping:
    """The taps, each a question to the bot."""

    def __init__(self, speaking: Speaking, questions: Questions, seen: Seen) -> None:
        self._speaking = speaking
        self._questions = questions
        self._seen = seen

    async def tap(self, person: Json, chat: Chat, act: Tap) -> Json:
        """Tap a button; one with an address opens that, and tells the bot nothing.

        Raises:
            Refusal: There is no such button, or it is one to pay with.
        """
        message = _message(chat, act)
        button: Json = {"callback_data": act.data}
        if not act.stale:
            button = _button(message, act)
        n, data = self._seen.last, button.get("callback_data")
        if data is None:
            if "url" not in button:
                raise Refusal("the button is to pay with: use the act `pay`")
            return {"n": n, "update": None, "url": button["url"]}
        query: Json = {
            "from": person,
            "message": _shown(chat, message, act),
            "chat_instance": str(zlib.crc32(str(chat.id).encode())),
            "data": data,
        }
        user_id = person["id"] if isinstance(person["id"], int) else 0
        asked = self._questions.ask("tap", chat.id, user_id)
        update = await self._speaking.tell({"callback_query": {"id": asked.id} | query})
        return {"n": n, "update": update, "query_id": asked.id}


def _message(chat: Chat, act: Tap) -> Message | None:
    if act.message_id is not None:
        return chat.messages.get(act.message_id)
    ours = (each for each in reversed(chat.messages.values()) if each.author is None)
    return next((each for each in ours if keyboards.buttons(each.reply_markup)), None)


def _button(message: Message | None, act: Tap) -> Json:
    below = [] if message is None else keyboards.buttons(message.reply_markup)
    if act.place is not None:
        found = below[act.place - 1 : act.place]
    elif act.data is not None:
        found = [each for each in below if each.get("callback_data") == act.data]
    else:
        found = [each for each in below if each.get("text") == act.text]
    if not found:
        there = [each.get("callback_data") or each.get("text") for each in below]
        raise Refusal(f"there is no such button; there are {there}")
    return found[0]


def _shown(chat: Chat, message: Message | None, act: Tap) -> Json:
    if message is not None:
        return messages.shape(chat, message)
    # What the Bot API calls an inaccessible message: its date is always 0.
    return {"chat": messages.chat_shape(chat), "message_id": act.message_id or 1, "date": 0}
