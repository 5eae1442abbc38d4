"""The bases of every shape we name, and the small words they share."""

from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from functools import cache
from typing import Annotated, Any, Final, NewType, Self, TypeVar, cast

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, PlainSerializer
from pydantic.alias_generators import to_camel

GenerationId = NewType("GenerationId", str)
"""32 lower-case hexadecimal digits: a uuid7, so ids sort by the time they were made."""

RunId = NewType("RunId", str)
"""The engine's own name for an execution."""

EngineName = NewType("EngineName", str)
"""Lower-case name of an engine, as it stands in URLs and records: ``comfydeploy``."""

UserId = NewType("UserId", str)
"""Our own name of a person: 32 lower-case hexadecimal digits, a uuid7."""

PaymentId = NewType("PaymentId", str)
"""Our own name of a payment: 32 lower-case hexadecimal digits, a uuid7."""

InstanceName = NewType("InstanceName", str)
"""Name of a service process, stable over restarts on the same data."""

Progress = Annotated[float, Field(ge=0.0, le=1.0)]
"""Share of the run that is done, 0.0 to 1.0. Never a percentage."""


WordT = TypeVar("WordT", bound=StrEnum)


def newer(kind: type[WordT], word: str) -> WordT:
    """Return a word of a newer version as a member of `kind`, so that it can be written back.

    It is none of the members that `kind` lists, and equals none of them.
    """
    member = str.__new__(kind, word)
    member._name_ = member._value_ = word
    return member


def rfc3339(at: datetime) -> str:
    """Write a UTC time with milliseconds: ``2026-01-01T12:00:00.000Z``."""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def first_id(at: datetime) -> str:
    """Return what comes before every id made at a time or later, and after those made before.

    Ids are uuid7 (RFC 9562): they begin with the milliseconds since 1970.
    """
    return f"{int(at.timestamp() * 1000) << 80:032x}"


def made_at(record_id: str) -> datetime:
    """Return when an id was made, to the millisecond."""
    return datetime.fromtimestamp((int(record_id, 16) >> 80) / 1000, UTC)


def plain(amount: Decimal) -> str:
    """Write money as digits without an exponent: ``0.004044``."""
    return format(amount, "f")


Time = Annotated[AwareDatetime, PlainSerializer(rfc3339, return_type=str, when_used="json")]
"""An aware UTC time, whole milliseconds: what MongoDB keeps."""

Money = Annotated[
    Decimal,
    Field(allow_inf_nan=False, max_digits=18, decimal_places=6),
    PlainSerializer(plain, return_type=str, when_used="json"),
]
"""An amount with at most 6 decimal places; ``Decimal128`` in MongoDB, a string in JSON."""


_set: Final = object.__setattr__
"""What pydantic itself fills a frozen model with."""


class Value(BaseModel):
    """A frozen value of ours that is never stored by itself."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    def change(self, **fields: Any) -> Self:  # noqa: ANN401 - any field of any record
        """Return a copy with `fields` in place of the old ones; they are not validated again.

        What `model_copy` does, without its copies of what a frozen value may share: most of
        what an event costs us to apply would go into those.
        """
        made = type(self).__new__(type(self))
        _set(made, "__dict__", self.__dict__ | fields)
        _set(made, "__pydantic_fields_set__", self.__pydantic_fields_set__ | fields.keys())
        _set(made, "__pydantic_extra__", self.__pydantic_extra__)
        _set(made, "__pydantic_private__", self.__pydantic_private__)
        return made


class Record(Value):
    """A frozen part of a stored document: strict when built, tolerant when read."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
    )

    @classmethod
    def read(cls, document: object) -> Self:
        """Read a stored document, passing over fields of a newer version.

        Raises:
            pydantic.ValidationError: A field that we know does not have its type.
        """
        return cls.model_validate(document, extra="ignore", strict=False)

    def document(self) -> dict[str, Any]:
        """Return the fields under their stored names, as plain values."""
        return self.model_dump(by_alias=True, exclude_none=True)


class Item(Record):
    """An element of a stored list.

    A list is written as a whole, so what a newer version has added to an element is kept with
    it and written back.
    """

    @classmethod
    def read(cls, document: object) -> Self:
        """Read a stored element, keeping fields of a newer version."""
        item = super().read(document)
        item.keep(document)
        return item

    def keep(self, document: object) -> None:
        """Remember the fields that only a newer version knows, of the document this was read of.

        Done after reading: as a part of validation it would cost ten times what reading does.
        """
        stored = cast("dict[str, Any]", document) if isinstance(document, dict) else {}
        if newer := stored.keys() - _names(type(self)):
            kept = {name: stored[name] for name in newer}
            object.__setattr__(self, "__pydantic_extra__", kept)

    def document(self) -> dict[str, Any]:
        """Return the fields under their stored names, those of a newer version among them."""
        return {**(self.model_extra or {}), **super().document()}


@cache
def _names(item: type[Item]) -> frozenset[str]:
    fields = item.model_fields
    return frozenset(fields) | {each.alias for each in fields.values() if each.alias}


class Wire(BaseModel):
    """A frozen message of a peer: fields we do not know are passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)
