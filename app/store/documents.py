"""How records become documents: names, types and the `$set` of what changed.

Only classic updates are made: a pipeline update would execute strings such as ``"$secret"``
out of a payload. Field names never come from a payload.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC
from decimal import Decimal
from functools import cache
from typing import Any, Final, TypeVar

from bson.codec_options import CodecOptions, TypeCodec, TypeRegistry
from bson.decimal128 import Decimal128
from pydantic import ValidationError

from app.errors import UnreadableError
from schemas.base import Record

Document = dict[str, Any]
"""A BSON document: Any, since its values are of every type."""
RecordT = TypeVar("RecordT", bound=Record)


class _DecimalCodec(TypeCodec):
    """Money is Decimal with us and Decimal128 in MongoDB; never a float."""

    python_type = Decimal  # pyright: ignore[reportAssignmentType, reportIncompatibleMethodOverride] - a property in the base, an attribute in the documentation
    bson_type = Decimal128  # pyright: ignore[reportAssignmentType, reportIncompatibleMethodOverride] - as above

    def transform_python(self, value: Decimal) -> Decimal128:
        return Decimal128(value)

    def transform_bson(self, value: Decimal128) -> Decimal:
        return value.to_decimal()


CODEC: Final[CodecOptions[Document]] = CodecOptions(
    tz_aware=True, tzinfo=UTC, type_registry=TypeRegistry([_DecimalCodec()])
)


def update(before: RecordT, after: RecordT) -> Document:
    """Return the update that turns one state of a record into another.

    Fields that neither state has, such as those of a newer version, are left alone.
    """
    changed = dict(_moved(vars(before), vars(after), _stored(type(before))))
    wanted = {name: value for name, value in changed.items() if value is not None}
    gone = {name: "" for name, value in changed.items() if value is None}
    return {
        **({"$set": wanted} if wanted else {}),
        **({"$unset": gone} if gone else {}),
    }


@cache
def _stored(record: type[Record]) -> Mapping[str, str]:
    """Return each field's stored name."""
    return {name: field.serialization_alias or name for name, field in record.model_fields.items()}


def read(kind: type[RecordT], document: Document) -> RecordT:
    """Read a record.

    Raises:
        UnreadableError: It is of a newer version, or damaged; says which of its fields are.
    """
    try:
        return kind.read(document)
    except ValidationError as error:
        fields = {".".join(map(str, each["loc"])) for each in error.errors()}
        # Without the cause, which quotes what the record holds.
        raise UnreadableError(f"{document['_id']} ({', '.join(sorted(fields))})") from None


def _moved(
    before: Mapping[str, Any], after: Mapping[str, Any], stored: Mapping[str, str]
) -> Iterator[tuple[str, Any]]:
    """Yield each path that differs between two states' fields with its new value.

    Most fields of most writes are the very same objects; only the others are written out.
    """
    for name, new in after.items():
        old = before[name]
        if new is old or new == old:
            continue
        path = stored[name]
        if isinstance(old, Record) and isinstance(new, Record):
            yield from _changed(old.document(), new.document(), f"{path}.")
        else:
            yield path, _plain(new)


def _plain(value: Any) -> Any:  # noqa: ANN401 - documents hold anything
    """Return a field's value as `Record.document` would."""
    if isinstance(value, Record):
        return value.document()
    if isinstance(value, tuple):
        return [_plain(each) for each in value]  # pyright: ignore[reportUnknownVariableType] - as above
    return value


def _changed(
    before: Mapping[str, Any], after: Mapping[str, Any], path: str
) -> Iterator[tuple[str, Any]]:
    """Yield each path that differs with its new value, None where it is gone."""
    for name in before.keys() | after.keys():
        old, new = before.get(name), after.get(name)
        if old == new:
            continue
        if isinstance(old, dict) and isinstance(new, dict) and not _odd(old) and not _odd(new):  # pyright: ignore[reportUnknownArgumentType] - documents hold anything
            yield from _changed(old, new, f"{path}{name}.")  # pyright: ignore[reportUnknownArgumentType] - as above
        else:
            yield f"{path}{name}", new


def _odd(document: Mapping[str, Any]) -> bool:
    """Return whether a name would be misread in a dotted path."""
    return any("." in name or name.startswith("$") or not name for name in document)
