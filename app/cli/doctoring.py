"""`runrelay doctor`: the settings and the checks, on one page."""

import sys
from typing import Final

from rich.text import Text

from app.cli import speaking
from app.cli.settling import settled
from app.main.doctor import Check, examine
from app.observability import logs
from app.settings import Settings, SettingsError

FAILED: Final = 1

_STYLES: Final = {"ok": "green", "warning": "yellow", "failed": "bold red", "skipped": "dim"}


async def doctor() -> int:
    """Print what was found; return the exit code."""
    try:
        settings = settled()
    except SettingsError as error:
        speaking.say("Settings", "bold")
        _show([_of_setting(problem, "failed") for problem in error.problems])
        return FAILED
    logs.configure("error", settings.log_format, sys.stderr)
    speaking.say("Settings", "bold")
    _settings(settings)
    speaking.say("\nChecks", "bold")
    found = [_of_setting(warning, "warning") for warning in settings.warnings]
    found += [each async for each in examine(settings)]
    _show(found or [])
    failed = sum(each.verdict == "failed" for each in found)
    speaking.say(f"\n{failed} of {len(found)} failed" if failed else "\nAll is well.", "bold")
    return FAILED if failed else 0


def _settings(settings: Settings) -> None:
    """Print what was set; of the rest, that it is as it comes."""
    rows = [each for each in settings.describe() if each.source != "default"]
    if rows:
        speaking.show(("", "", ""), [(each.name, each.value, each.source) for each in rows])
    speaking.say(f"{'the others are' if rows else 'all are'} at their defaults", "dim")


def _show(found: list[Check]) -> None:
    for each in found:
        line = Text(f"  {each.verdict:<8}", style=_STYLES[each.verdict])
        line.append_text(speaking.safe(f" {each.name:<20} {each.said}"))
        speaking.put(line)
        if each.cure:
            speaking.say(f"{'':32}-> {each.cure}", "dim")


def _of_setting(sentence: str, verdict: str) -> Check:
    name, _, said = sentence.partition(": ")
    return Check(name, "failed" if verdict == "failed" else "warning", said)
