"""Every recorded socket is followed to the right end, however it is cut."""

from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

import pytest

from schemas.base import RunId
from schemas.run import RunStatus
from tests.processors.protocols.comfyui.replaying import (
    SCENARIOS,
    Frame,
    Play,
    Scenario,
    followed,
    scenario,
)

WHOLE: Final = [scenario(name) for name in SCENARIOS]
PATIENCE: Final = timedelta(seconds=60)
"""After so long everything was asked by the clock several times."""
GAPS: Final = (timedelta(0), timedelta(milliseconds=250), PATIENCE)
"""How long a socket that is cut stays away."""


def named(value: object) -> str:
    """A short name for a case."""
    return value.name if isinstance(value, Scenario) else str(value)


def play(played: Play, frames: tuple[Frame, ...]) -> None:
    """Play sockets one after the other; each run is expected just before it is there."""
    for frame in frames:
        expect(played, frame.at)
        if frame.data is None:
            played.disconnect(frame.at)
            played.connect(frame.at)
        else:
            played.hear(frame.at, frame.data)


def expect(played: Play, at: datetime) -> None:
    """Expect every run that the server has by now."""
    for prompt in played.prompts:
        if prompt.since <= at and not played.ends(prompt.run_id):
            played.wait(max(played.now, prompt.since))
            played.follower.expect(followed(prompt), played.now)


def ended(played: Play, recorded: Scenario) -> dict[RunId, list[RunStatus]]:
    """The ends that were told, once everything was asked by the clock."""
    last = max(prompt.until for prompt in recorded.prompts)
    expect(played, last)
    played.wait(last + 2 * PATIENCE)
    return {prompt.run_id: played.ends(prompt.run_id) for prompt in recorded.prompts}


def once(recorded: Scenario) -> dict[RunId, list[RunStatus]]:
    """The right ends, each told once."""
    return {run_id: [status] for run_id, status in recorded.ends.items()}


@pytest.mark.parametrize("recorded", WHOLE, ids=named)
def test_every_recording_comes_to_its_end(recorded: Scenario) -> None:
    """In one piece: each run ends once and rightly, and is followed no more."""
    played = Play(recorded.prompts)

    play(played, recorded.frames)

    assert once(recorded) == ended(played, recorded)
    assert frozenset() == played.follower.following


@pytest.mark.parametrize("gap", GAPS, ids=named)
@pytest.mark.parametrize("recorded", WHOLE, ids=named)
def test_every_recording_comes_to_its_end_cut_at_every_message(
    recorded: Scenario, gap: timedelta
) -> None:
    """Whatever was missed, and however long: each run ends once and rightly."""
    for place, (before, after) in enumerate(pairwise(recorded.frames), 1):
        played = Play(recorded.prompts)
        play(played, recorded.frames[:place])
        played.disconnect(before.at)
        back = max(before.at + gap, after.at)
        rest = tuple(frame for frame in recorded.frames[place:] if frame.at >= back)
        played.connect(back)
        play(played, rest)

        assert once(recorded) == ended(played, recorded), place
        assert frozenset() == played.follower.following
