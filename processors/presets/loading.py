"""What loading a file of presets comes to: which are new, which change, and how."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, cast

from pydantic_core import to_json

from schemas.preset import Definition, Preset


class Difference(NamedTuple):
    """One value that changes, by its place in the preset."""

    place: str
    before: object
    after: object


class Change(NamedTuple):
    """One preset that is made or written anew."""

    before: Preset | None
    after: Preset

    def differences(self) -> tuple[Difference, ...]:
        """Return what changes, in the order of the preset; all of it where it is new."""
        old = dict(_flat(_shown(self.before))) if self.before else {}
        new = dict(_flat(_shown(self.after)))
        return tuple(
            Difference(place, old.get(place), new.get(place))
            for place in dict.fromkeys([*new, *old])
            # Not compared as values: 1 equals True, and an engine may see a difference.
            if to_json(old.get(place)) != to_json(new.get(place))
        )


def plan(
    stored: Sequence[Preset], wanted: Sequence[Definition], *, prune: bool, now: datetime
) -> tuple[Change, ...]:
    """Return what is to be written so that everything wanted is stored.

    Args:
        stored: The presets there are.
        wanted: The presets there shall be, each name once.
        prune: Whether those that are stored and not wanted are made inactive.
        now: The time of the writing.
    """
    known = {each.name: each for each in stored}
    changes = [_change(known.get(each.name), each, now) for each in wanted]
    if prune:
        names = {each.name for each in wanted}
        gone = [each for each in stored if each.name not in names and each.active]
        changes += [_change(each, each.change(active=False), now) for each in gone]
    return tuple(each for each in changes if each.differences())


def _change(before: Preset | None, wanted: Definition, now: datetime) -> Change:
    fields = {name: getattr(wanted, name) for name in Definition.model_fields}
    version = before.version + 1 if before else 1
    return Change(before, Preset(**fields, version=version, updated_at=now))


def _shown(preset: Preset) -> Mapping[str, Any]:
    return preset.model_dump(
        mode="json", by_alias=True, exclude_none=True, exclude={"name", "version", "updated_at"}
    )


def _flat(value: object, place: str = "") -> Iterator[tuple[str, object]]:
    """Yield each value by its place; inputs go by their names, and their order by itself."""
    if isinstance(value, dict):
        for name, inner in cast("dict[str, object]", value).items():
            yield from _flat(inner, f"{place}.{name}" if place else name)
    elif isinstance(value, list) and place == "inputs":
        parts = cast("list[dict[str, object]]", value)
        yield place, ", ".join(str(part["name"]) for part in parts)
        for part in parts:
            yield from _flat(part, f"{place}.{part['name']}")
    else:
        yield place, value
