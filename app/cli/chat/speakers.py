"""Who speaks on this terminal, and in which chat."""

from dataclasses import dataclass, field

from app.cli.chat.lines import Speak, number_of
from app.cli.chat.phone import Json


@dataclass(frozen=True, kw_only=True)
class Speaker:
    """Somebody.

    Attributes:
        id: Their Telegram id.
        language: The language of their app; None: it tells none.
    """

    id: int
    name: str
    language: str | None


@dataclass
class Speakers:
    """Everybody who has spoken here; they share the keyboard.

    Attributes:
        now: Who speaks.
        group: The chat that all of them are in; None: each is alone with the bot.
    """

    now: Speaker
    group: int | None
    _known: dict[int, Speaker] = field(default_factory=dict[int, Speaker])

    def __post_init__(self) -> None:
        self._known[self.now.id] = self.now

    @property
    def chat(self) -> int:
        """The chat that is spoken in."""
        return self.now.id if self.group is None else self.group

    def turn(self, to: Speak) -> None:
        """Let somebody else speak; what is not said of them stays as it was."""
        named = (each for each in self._known.values() if each.name == to.name)
        known = next(named, None) if to.id is None else self._known.get(to.id)
        number = to.id or (known.id if known else number_of(to.name))
        language = to.language or (known.language if known else self.now.language)
        self.now = self._known[number] = Speaker(id=number, name=to.name, language=language)

    def hears(self, chat_id: int) -> bool:
        """Say whether a chat is one of theirs."""
        return chat_id == self.group or (self.group is None and chat_id in self._known)

    def typed_by(self, number: object) -> bool:
        """Say whether somebody speaks on this terminal."""
        return number in self._known

    def named(self, number: object) -> str:
        """Return what somebody is called here."""
        known = self._known.get(number) if isinstance(number, int) else None
        return known.name if known else str(number)

    def act(self, act: str, **words: object) -> Json:
        """Return an act of whoever speaks, as the sandbox takes it."""
        user = {
            "id": self.now.id,
            "first_name": self.now.name,
            "language_code": self.now.language,
        }
        return {"act": act, "user": user, "chat_id": self.chat, **words}
