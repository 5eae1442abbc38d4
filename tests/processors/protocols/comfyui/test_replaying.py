"""Every recorded socket is followed to the right end, however it is cut."""

from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

import pytest

from processors.protocols.comfyui import Preview, Used
from schemas.base import RunId
from schemas.run import RunStatus
from tests.processors.protocols.comfyui.replaying import (
    SCENARIOS,
    Frame,
    Play,
    Scenario,
    followed,
    heard_by,
    scenario,
)

WHOLE: Final = [scenario(name) for name in SCENARIOS]
PATIENCE: Final = timedelta(seconds=60)
"""After so long everything was asked by the clock several times."""
GAPS: Final = (timedelta(0), PATIENCE)
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


@pytest.mark.parametrize("recorded", WHOLE, ids=named)
def test_every_recording_comes_to_its_end_expected_at_any_message(recorded: Scenario) -> None:
    """A run that is taken up before, among or after its messages ends once and rightly."""
    for frame in recorded.frames:
        played = Play(recorded.prompts)
        played.connect(recorded.frames[0].at)
        for each in recorded.frames:
            if each.at >= frame.at:
                expect(played, frame.at)
            if each.data is not None:
                played.hear(each.at, each.data)

        assert once(recorded) == ended(played, recorded), frame.at


@pytest.mark.parametrize("recorded", WHOLE, ids=named)
def test_every_recording_comes_to_its_end_with_somebody_elses_socket(recorded: Scenario) -> None:
    """After a take-over our socket hears of nothing but how long the queue is."""
    played = Play(recorded.prompts)
    played.connect(recorded.frames[0].at)
    for prompt in recorded.prompts:
        played.follower.expect(followed(prompt, client_id="the-former-one"), played.now)
    for frame in heard_by("s07_ws_interrupt", "other_client"):
        played.hear(frame.at, frame.data or "")

    assert once(recorded) == ended(played, recorded)
    assert not any(isinstance(each, Preview | Used) for each in played.said)


@pytest.mark.parametrize("recorded", WHOLE, ids=named)
def test_in_every_recording_progress_rises_to_the_end(recorded: Scenario) -> None:
    """It never falls, is below 1 until the end, and a run that runs names its nodes."""
    played = Play(recorded.prompts)
    play(played, recorded.frames)
    ended(played, recorded)

    for run_id, status in recorded.ends.items():
        *before, last = [event.progress for event in played.events(run_id)]
        assert before == sorted(before)
        assert all(progress < 1 for progress in before)
        assert last == 1.0 if status is RunStatus.COMPLETED else last >= max(before)


def test_a_normal_run_is_shown_as_it_was() -> None:
    """Node by node, with the steps of the one that has some, and titles where there are."""
    recorded = scenario("s03_ws_normal")
    played = Play(recorded.prompts)
    play(played, recorded.frames)

    [prompt] = recorded.prompts
    words = [event.live_status for event in played.events(prompt.run_id)]

    assert list(dict.fromkeys(words)) == [
        None,
        "Empty Image",
        "RefSleepProgress",
        "RefSleepProgress 1/4",
        "RefSleepProgress 2/4",
        "RefSleepProgress 3/4",
        "RefSleepProgress 4/4",
        "ImageInvert",
        "PreviewImage",
        "SaveImage",
    ]
    assert [event.progress for event in played.events(prompt.run_id)][-2:] == [0.99, 1.0]


def test_what_the_nodes_of_recorded_runs_took() -> None:
    """Subgraphs as their node, async nodes beside each other, cached ones nothing."""
    assert took("s03_ws_normal")[0] == {"1": 0, "2": 1011, "3": 0, "5": 0, "4": 1}
    assert took("s05_ws_cached")[1:] == [
        dict.fromkeys(("1", "2", "3", "4", "5"), 0),
        {"1": 0, "2": 0, "3": 0, "5": 0, "4": 2},
    ]
    assert took("s06_ws_error")[0] == {"1": 0, "2": 306}
    expanded, beside = took("s13_ws_special_nodes")[:2]
    assert expanded == {"1": 212, "2": 0}
    assert beside == {"2": 604, "4": 1, "1": 605, "3": 0}


def took(name: str) -> list[dict[str, int]]:
    """Milliseconds by node, of each run of a scenario."""
    recorded = scenario(name)
    played = Play(recorded.prompts)
    play(played, recorded.frames)
    used = [each for each in played.said if isinstance(each, Used)]
    return [{row.node_id: row.milliseconds for row in each.rows} for each in used]


def test_recorded_previews_are_passed_on_once_a_second() -> None:
    """Three came within that, and those of kind 1 say not whose they are."""
    shown = {name: previews(name) for name in ("s03_ws_normal", "s04_ws_feature_flags")}

    assert {name: len(each) for name, each in shown.items()} == {
        "s03_ws_normal": 0,
        "s04_ws_feature_flags": 1,
    }


def previews(name: str) -> list[Preview]:
    """The previews of a scenario that were passed on."""
    recorded = scenario(name)
    played = Play(recorded.prompts)
    play(played, recorded.frames)
    return [each for each in played.said if isinstance(each, Preview)]


def test_outputs_of_a_recorded_run_are_heard_as_its_history_has_them() -> None:
    """The same output told twice has the same id: files of any kind, and texts."""
    recorded = scenario("s13_ws_special_nodes")
    run_id = recorded.prompts[2].run_id
    played, silent = Play(recorded.prompts), Play(recorded.prompts)
    play(played, recorded.frames)
    ended(silent, recorded)

    heard, known = outputs_of(played, run_id), outputs_of(silent, run_id)

    assert heard == known
    assert heard == {"3/text/0", "4/gifs/0", "5/images/0", "5/images/1"}


def outputs_of(played: Play, run_id: RunId) -> set[str]:
    """The ids of what was heard of a run."""
    return {output.id for event in played.events(run_id) for output in event.outputs}
