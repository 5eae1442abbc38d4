"""People: whatever they do, and what comes of it."""

import gzip
from typing import Final

from sandbox.controls import TelegramControls
from sandbox.multipart import Upload
from sandbox.telegram import acts, media, seen
from sandbox.telegram.media import Files, Media
from sandbox.telegram.membership import Membership
from sandbox.telegram.messages import Chat, Json
from sandbox.telegram.paying import Paying
from sandbox.telegram.questions import Questions
from sandbox.telegram.refusals import Refusal
from sandbox.telegram.seen import Seen
from sandbox.telegram.speaking import Said, Speaking
from sandbox.telegram.stars import Stars
from sandbox.telegram.tapping import Tapping

_STICKER: Final = gzip.compress(
    b'{"tgs":1,"v":"5.5.2","fr":60,"ip":0,"op":60,"w":512,"h":512,"layers":[]}', mtime=0
)
_STICKER_TYPE: Final = "application/x-tgsticker"


class People:
    """Everybody who is not the bot."""

    def __init__(
        self,
        *,
        speaking: Speaking,
        files: Files,
        stars: Stars,
        questions: Questions,
        seen: Seen,
        controls: TelegramControls,
    ) -> None:
        self._speaking = speaking
        self._files = files
        self._tapping = Tapping(speaking, questions, seen)
        self._paying = Paying(speaking, stars, questions, seen, controls)
        self._membership = Membership(speaking, seen)

    async def act(self, act: acts.Any) -> Json:
        """Do it, and return what came of it.

        A payment takes as long as the bot takes to agree to it; nothing else waits for the bot.

        Raises:
            Refusal: Telegram would not let a person do it.
        """
        person = self._speaking.person(act.user)
        if isinstance(act, acts.Turn):
            return await self._membership.turn(person, act)
        chat = self._speaking.chat(act.where)
        match act:
            case acts.Tap():
                return await self._tapping.tap(person, chat, act)
            case acts.Pay():
                return await self._paying.pay(person, chat, act)
            case acts.Upgrade():
                return await self._membership.upgrade(person, chat)
            case _:
                return _told(await self._say(person, chat, act))

    async def _say(self, person: Json, chat: Chat, act: acts.Saying) -> Said:
        words, file = await self._content(act)
        return await self._speaking.say(
            person,
            chat,
            "text" if file is None else file.kind,
            text=self._speaking.text(words, act.entities),
            media=file,
            reply_to=act.reply_to,
            media_group_id=act.media_group_id,
        )

    async def _content(self, act: acts.Saying) -> tuple[str, Media | None]:
        match act:
            case acts.Write():
                if not act.text.strip():
                    raise Refusal("message text is empty")
                return act.text, None
            case acts.SendPhoto():
                return act.caption, await self._files.keep_photo(act.data)
            case acts.SendDocument():
                upload = media.named(act.filename, act.content_type, act.data)
                return act.caption, await self._files.keep("document", upload)
            case acts.SendSticker():
                upload = Upload("sticker.tgs", _STICKER_TYPE, _STICKER)
                return "", await self._files.keep("sticker", upload)


def _told(said: Said) -> Json:
    return {"n": said.n, "update": said.update, "message": seen.told(said.message)}
