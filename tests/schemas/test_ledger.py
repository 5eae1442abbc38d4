"""schemas.ledger: entries as they are stored, and as a newer version may have written them."""

from decimal import Decimal

import pytest

from schemas.base import GenerationId
from schemas.ledger import Entry, EntryKind
from tests.builders import an_entry


def test_an_entry_is_read_as_it_was_written() -> None:
    """With its lines; what it does not have is not stored."""
    entry = an_entry(kind=EntryKind.HOLD, lines={GenerationId("a"): Decimal("1.5")})
    document = entry.document()

    assert Entry.read(document) == entry
    assert document["lines"] == {"a": Decimal("1.5")}
    assert not {"generation", "captured", "overdraft", "reason"} & document.keys()


def test_a_kind_of_a_newer_version_is_read() -> None:
    """It equals none that we know."""
    entry = Entry.read({**an_entry().document(), "kind": "interest", "charge": "x"})

    assert entry.kind == "interest"
    assert entry.kind not in set(EntryKind)


def test_a_kind_is_a_word() -> None:
    """A number is none."""
    with pytest.raises(ValueError, match="1 is not a valid"):
        EntryKind(1)
