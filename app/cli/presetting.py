"""`runrelay presets`: load what people can order, and list it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import orjson
import typer
from rich.text import Text

from app.cli import opening, preset_file, speaking, workflow_checking
from app.cli.preset_file import Written
from app.cli.preset_workflows import Drawn
from app.cli.settling import refusing
from app.clock import Clock
from app.usecases.load_presets import LoadPresets
from processors.presets.loading import Change, Difference
from schemas.base import plain
from schemas.preset import (
    ChainTarget,
    FixedPrice,
    Preset,
    ReplicateTarget,
    StepsPrice,
    Target,
    WorkflowTarget,
)

DECLINED: Final = 1
"""The exit code where somebody looked, and would not."""

_SHOWN_MOST: Final = 100
_DIGITS: Final = 12


async def load(file: Path, *, prune: bool, ask: bool, check: bool = True) -> None:
    """Store the presets of a file, having shown what changes.

    Args:
        file: The file.
        prune: Whether presets that are not in it are made inactive.
        ask: Whether somebody is asked before.
        check: Whether the ComfyUI servers are asked for what its workflows need.
    """
    with refusing():
        wanted = preset_file.read(file)
        clock, settings = Clock(), opening.quietly_settled()
        async with opening.opened(settings, clock) as store:
            loader = LoadPresets(store.presets, store.workflows, clock)
            wanted.refuse(await loader.misfits(wanted.presets))
            changes = await loader.plan(wanted.presets, prune=prune)
            workflows = {digest: each.raw for digest, each in wanted.workflows.items()}
            if not changes:
                # A database that was restored may have the presets, and not all of the workflows.
                await loader.commit((), workflows)
                speaking.say("Nothing changes: everything in the file is stored as it is there.")
                return
            if check:
                for warning in await workflow_checking.check(settings, _new(changes, wanted)):
                    speaking.say(warning, "yellow")
            _show(changes, wanted.workflows)
            if ask and not _agreed():
                speaking.say("Nothing was loaded.")
                raise SystemExit(DECLINED)
            await loader.commit(changes, workflows)
    speaking.say(f"\nLoaded: {_counted(changes)}.", "bold")


async def list_presets() -> None:
    """Print all presets there are, by name."""
    with refusing():
        clock = Clock()
        async with opening.opened(opening.quietly_settled(), clock) as store:
            stored = await store.presets.all()
    if not stored:
        speaking.say("no presets; runrelay presets load examples/presets.yaml stores some")
        return
    headings = ("name", "title", "price", "who", "engine", "inputs", "version", "changed (UTC)")
    speaking.show(headings, map(_row, stored))


def _new(changes: Sequence[Change], wanted: Written) -> dict[str, Drawn]:
    """Return the workflows of presets that change."""
    targets = [each.after.target for each in changes]
    named = {each.workflow for each in targets if isinstance(each, WorkflowTarget)}
    return {digest: each for digest, each in wanted.workflows.items() if digest in named}


def _agreed() -> bool:
    """Ask; who cannot answer does not agree."""
    try:
        return typer.confirm("\nLoad this?")
    except typer.Abort:
        return False


def _show(changes: Sequence[Change], workflows: Mapping[str, Drawn]) -> None:
    for each in changes:
        sign, style, said = _kind(each)
        speaking.say(f"\n{sign} {each.after.name}  {said}", f"bold {style}")
        if each.before is None:
            for line in _summary(each.after, workflows):
                speaking.say(f"    {line}")
            continue
        for difference in each.differences():
            speaking.put(_line(_short(difference, workflows)))


def _summary(new: Preset, workflows: Mapping[str, Drawn]) -> tuple[str, ...]:
    """Return what matters of a new preset; the file has the rest."""
    return (
        new.titles.en,
        f"{new.engine}, {_run(new.target, workflows)}",
        f"takes {_inputs(new) or 'nothing'}",
        f"{_price(new)}, for {_who(new)}{'' if new.active else ', inactive'}",
    )


def _run(target: Target, workflows: Mapping[str, Drawn]) -> str:
    if isinstance(target, WorkflowTarget):
        return f"workflow {_named(target.workflow, workflows)}"
    if isinstance(target, ReplicateTarget):
        return target.model or target.deployment or f"version {target.version}"
    if isinstance(target, ChainTarget):
        return " > ".join(each.preset for each in target.steps)
    return target.deployment_id


def _named(digest: str, workflows: Mapping[str, Drawn]) -> str:
    """Name a workflow by so much of its digest as is needed; by its size too, where it is here."""
    drawn = workflows.get(digest)
    nodes = len(drawn.workflow.graph) if drawn else 0
    size = f" ({nodes} node{'s' * (nodes > 1)})" if drawn else ""
    return f"{digest[:_DIGITS]}{size}"


def _short(told: Difference, workflows: Mapping[str, Drawn]) -> Difference:
    """Return a difference with workflows named as people may compare them."""
    if told.place != "target.workflow":
        return told
    before, after = (each and _named(str(each), workflows) for each in (told.before, told.after))
    return Difference(told.place, before, after)


def _kind(change: Change) -> tuple[str, str, str]:
    if change.before is None:
        return "+", "green", "is new"
    versions = f"version {change.before.version} becomes {change.after.version}"
    if change.before.active and not change.after.active:
        return "-", "red", f"is made inactive, {versions}"
    return "~", "yellow", versions


def _line(difference: Difference) -> Text:
    line = speaking.safe(f"    {difference.place}: ", "dim")
    if difference.before is not None:
        line.append_text(speaking.safe(_value(difference.before), "red"))
        line.append(" -> " if difference.after is not None else " is taken away")
    if difference.after is not None:
        line.append_text(speaking.safe(_value(difference.after), "green"))
    return line


def _value(value: object) -> str:
    text = orjson.dumps(value).decode()
    return text if len(text) <= _SHOWN_MOST else f"{text[: _SHOWN_MOST - 1]}…"


def _counted(changes: Sequence[Change]) -> str:
    new = sum(each.before is None for each in changes)
    return f"{new} new, {len(changes) - new} changed"


def _row(preset: Preset) -> tuple[str | Text, ...]:
    return (
        preset.name if preset.active else Text(f"{preset.name} (inactive)", style="dim"),
        preset.titles.en,
        _price(preset),
        _who(preset),
        preset.engine,
        _inputs(preset),
        str(preset.version),
        speaking.clock(preset.updated_at)[:16],
    )


def _inputs(preset: Preset) -> str:
    """Name what is given; a question mark is at what need not be."""
    return ", ".join(f"{each.name}{'' if each.required else '?'}" for each in preset.inputs)


def _who(preset: Preset) -> str:
    return "all" if preset.allowed == "all" else ", ".join(preset.allowed)


def _price(preset: Preset) -> str:
    if isinstance(preset.price, FixedPrice):
        return f"{plain(preset.price.credits)} credits"
    if isinstance(preset.price, StepsPrice):
        return "the price of its steps"
    floor = preset.price.floor
    least = f", at least {plain(floor)}" if floor else ""
    return f"{plain(preset.price.factor)} x cost{least}"
