"""What people do in Telegram, as tests and the terminal ask for it."""

from typing import Annotated, Literal

from pydantic import Base64Bytes, BaseModel, ConfigDict, Field, RootModel, model_validator

Json = dict[str, object]


class Someone(BaseModel):
    """A person; what is left out stays as an act before has said it.

    Attributes:
        id: Their Telegram id.
        language_code: The language of their app, an IETF tag.
    """

    model_config = ConfigDict(extra="forbid")

    id: Annotated[int, Field(gt=0, lt=2**52)]
    first_name: str | None = None
    last_name: str | None = None
    username: str | None = None
    language_code: str | None = None
    is_premium: bool | None = None


class _Act(BaseModel):
    """Something that a person does.

    Attributes:
        user: Who does it.
        chat_id: Where; in the private chat with the bot unless told otherwise.
    """

    model_config = ConfigDict(extra="forbid")

    user: Someone
    chat_id: int | None = None

    @property
    def where(self) -> int:
        """The chat it is done in."""
        return self.user.id if self.chat_id is None else self.chat_id


class _Saying(_Act):
    """A message of a person's.

    Attributes:
        entities: Marks in its text or caption, beside those that Telegram finds by itself.
        reply_to: The message that is replied to.
        media_group_id: What the files of one album share.
    """

    entities: list[Json] = []
    reply_to: int | None = None
    media_group_id: str | None = None


class Write(_Saying):
    """A text, of any length."""

    act: Literal["write"]
    text: Annotated[str, Field(min_length=1)]


class SendPhoto(_Saying):
    """A photo, given as base64; Telegram makes JPEGs of several sizes of it."""

    act: Literal["photo"]
    data: Base64Bytes
    caption: str = ""


class SendDocument(_Saying):
    """A file, given as base64, which stays as it is."""

    act: Literal["document"]
    data: Base64Bytes
    filename: str
    content_type: str | None = None
    caption: str = ""


class SendSticker(_Saying):
    """An animated sticker."""

    act: Literal["sticker"]


class Tap(_Act):
    """A tap on a button.

    Attributes:
        message_id: Below which message; the latest with buttons unless told otherwise.
        data: What the button carries,
        place: or which it is, counted from 1, row by row,
        text: or what it says.
        stale: The person's app still shows a button that is not there any more (`data` says which).
    """

    act: Literal["tap"]
    message_id: int | None = None
    data: str | None = None
    place: Annotated[int, Field(ge=1)] | None = None
    text: str | None = None
    stale: bool = False

    @model_validator(mode="after")
    def _names_one(self) -> "Tap":
        if [self.data, self.place, self.text].count(None) != 2:  # noqa: PLR2004
            raise ValueError("give `data`, `place` or `text`")
        if self.stale and self.data is None:
            raise ValueError("a stale button is named by `data`")
        return self


class Pay(_Act):
    """A payment.

    Attributes:
        message_id: Of which invoice; the latest that is not paid unless told otherwise.
        link: Or the link of an invoice.
    """

    act: Literal["pay"]
    message_id: int | None = None
    link: str | None = None


class Turn(_Act):
    """Blocking the bot and letting it in again; in a group: taking it out and in."""

    act: Literal["block", "unblock"]


class Upgrade(_Act):
    """A group becomes a supergroup, of another id."""

    act: Literal["upgrade"]


Saying = Write | SendPhoto | SendDocument | SendSticker
Any = Saying | Tap | Pay | Turn | Upgrade


class Act(RootModel[Annotated[Any, Field(discriminator="act")]]):
    """One of the acts, told apart by `act`."""


class Wish(BaseModel):
    """An update wanted: whole, or a user's text, or a user's press of a button.

    Attributes:
        update: The whole update, without `update_id` if the next one will do.
        chat_id: The chat written in; also the user's id if positive.
        user_id: The user, if not the chat's.
        text: What the user writes.
        data: What the pressed button carries; it need not be there.
        message_id: The message with the button.
    """

    model_config = ConfigDict(extra="forbid")

    update: Json | None = None
    chat_id: int | None = None
    user_id: int | None = None
    text: str | None = None
    data: str | None = None
    message_id: int = 1

    @model_validator(mode="after")
    def _names_something(self) -> "Wish":
        if self.update is None and (self.chat_id is None or (self.text or self.data) is None):
            raise ValueError("give `update`, or `chat_id` with `text` or `data`")
        return self

    def act(self) -> "Write | Tap":
        """Return what a person does to cause it."""
        chat_id = self.chat_id or 0
        where: Json = {"user": {"id": self.user_id or abs(chat_id)}, "chat_id": chat_id}
        if self.text is not None:
            return Write.model_validate(where | {"act": "write", "text": self.text})
        tap = {"act": "tap", "data": self.data, "message_id": self.message_id, "stale": True}
        return Tap.model_validate(where | tap)
