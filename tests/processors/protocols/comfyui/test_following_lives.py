"""Whatever a server says, in any order and however often: what is told stays sound."""

import json
from datetime import datetime, timedelta
from typing import Any, Final

from hypothesis import given
from hypothesis import strategies as st

from processors.protocols.comfyui import AskHistory, AskQueue, Follower, Said, Told
from schemas.base import RunId
from schemas.run import TERMINAL, RunEvent
from tests.builders import NOON
from tests.processors.protocols.comfyui.replaying import (
    BASE,
    OURS,
    Prompt,
    followed,
    read_history,
    read_queue,
    scenario,
)

RECORDED: Final = [scenario(name) for name in ("s03_ws_normal", "s05_ws_cached", "s06_ws_error")]
PROMPTS: Final = [prompt for recorded in RECORDED for prompt in recorded.prompts]
TEXTS: Final = [
    frame.data
    for recorded in RECORDED
    for frame in recorded.frames
    if isinstance(frame.data, str) and len(frame.data) < 10_000
]
BINARIES: Final = [
    frame.data
    for recorded in RECORDED
    for frame in recorded.frames
    if isinstance(frame.data, bytes)
]
NOTHING: Final = b'{"queue_running": [], "queue_pending": []}'


class Peer:
    """A follower, and a server that says anything and answers when and what it likes."""

    def __init__(self, prompts: list[Prompt], client_id: str) -> None:
        self.prompts: Final = {prompt.run_id: prompt for prompt in prompts}
        self.client_id: Final = client_id
        self.follower: Final = Follower(OURS, BASE)
        self.now: datetime = NOON
        self.asked: list[Said] = []
        self.events: dict[RunId, list[RunEvent]] = {}
        self.expected: set[RunId] = set()

    def take(self, said: list[Said]) -> None:
        """Keep what was said: what is told, and what is asked."""
        for each in said:
            match each:
                case Told(event) if event.run_id is not None:
                    self.events.setdefault(event.run_id, []).append(event)
                case AskHistory() | AskQueue():
                    assert each not in self.asked, "of a kind of question only one is out"
                    self.asked.append(each)
                case _:
                    continue

    def wait(self, seconds: float) -> None:
        """Let time pass; the driver has its turn."""
        self.now += timedelta(seconds=seconds)
        due = self.follower.due_at
        if due is not None and due <= self.now:
            self.take(self.follower.tick(self.now))
            again = self.follower.due_at
            assert again is None or again > self.now, "a turn is done once it was taken"

    def expect(self, place: int) -> None:
        """Expect one of the runs; each once."""
        prompt = list(self.prompts.values())[place % len(self.prompts)]
        if prompt.run_id not in self.expected:
            self.expected.add(prompt.run_id)
            self.follower.expect(followed(prompt, self.client_id), self.now)

    def answer(self, place: int, raw: bytes | None) -> None:
        """Answer one of the questions, if there is one."""
        if not self.asked:
            return
        match self.asked.pop(place % len(self.asked)):
            case AskHistory(run_id):
                self.take(self.follower.history(run_id, read_history(raw, run_id), self.now))
            case _:
                self.take(self.follower.queue(read_queue(raw), self.now))

    def live(self, act: str, what: Any) -> None:  # noqa: ANN401 - what fits the act
        """Let something happen."""
        match act:
            case "expect":
                self.expect(what)
            case "text" | "stretch":
                for text in [what] if act == "text" else what:
                    self.take(self.follower.text(text, self.now))
            case "binary":
                self.take(self.follower.binary(what, self.now))
            case "wait":
                self.wait(what)
            case "answer":
                self.answer(*what)
            case _:
                change = self.follower.connected if what else self.follower.disconnected
                self.take(change(self.now))

    def answer_truly(self) -> None:
        """Answer everything that is asked by a server where all is over."""
        for said in list(self.asked):
            entry = self.prompts[said.run_id].entry if isinstance(said, AskHistory) else None
            told = {said.run_id: entry} if isinstance(said, AskHistory) else None
            self.answer(self.asked.index(said), json.dumps(told).encode() if told else NOTHING)


def cut(text: str, at: int) -> str:
    """A message that is not whole."""
    return text[: at % len(text)]


def swapped(text: str, of: str, to: str) -> str:
    """A message in which something stands for something else."""
    return text.replace(of, to)


def stretch(start: int, length: int) -> list[str]:
    """Recorded messages in their order."""
    return TEXTS[start : start + length]


words = st.sampled_from(
    [
        '"1"',
        '"2"',
        "null",
        "1",
        "1.0",
        "-1",
        "0",
        '"node"',
        '"prompt_id"',
        "{}",
        "[]",
        "true",
        "9e99",
    ]
)
whole = st.sampled_from(TEXTS)
texts = (
    whole
    | whole
    | st.builds(cut, whole, st.integers(0, 10_000))
    | st.builds(swapped, whole, words, words)
    | st.text(max_size=20)
)
"""Recorded messages, about followed runs or about others, whole or not; and garbage."""
binaries = st.sampled_from(BINARIES) | st.binary(max_size=40)
answers = st.none() | st.sampled_from(
    [b"{}", b"", b"[]", b"<html>", NOTHING]
    + [json.dumps({prompt.run_id: prompt.entry}).encode() for prompt in PROMPTS]
    + [
        json.dumps({"queue_running": [[1, prompt.run_id]], "queue_pending": []}).encode()
        for prompt in PROMPTS
    ]
)
stretches = st.builds(stretch, st.integers(0, len(TEXTS)), st.integers(0, 40))
pauses = st.sampled_from([0, 0.1, 0.3, 1, 3, 11])
places = st.integers(0, 9)
acts = st.one_of(
    st.tuples(st.just("expect"), places),
    st.tuples(st.just("text"), texts),
    st.tuples(st.just("stretch"), stretches),
    st.tuples(st.just("stretch"), stretches),
    st.tuples(st.just("binary"), binaries),
    st.tuples(st.just("wait"), pauses),
    st.tuples(st.just("answer"), st.tuples(places, answers)),
    st.tuples(st.just("socket"), st.booleans()),
)


@st.composite
def lives(draw: st.DrawFn) -> Peer:
    """A peer after anything has happened."""
    peer = Peer(PROMPTS, draw(st.sampled_from([OURS, OURS, "another"])))
    for place in draw(st.sets(st.integers(0, len(PROMPTS) - 1))):
        peer.expect(place)
    for act, what in draw(st.lists(acts, min_size=4, max_size=40)):
        peer.live(act, what)
    return peer


@given(lives())
def test_nothing_that_a_server_says_is_an_error(peer: Peer) -> None:
    """Progress never falls and is a share; a run ends at most once, and then nothing is told."""
    for run_id, events in peer.events.items():
        progress = [event.progress for event in events]
        ended = [event.status in TERMINAL for event in events]
        assert progress == sorted(progress)
        assert all(0 <= each <= 1 for each in progress)
        assert not any(ended[:-1])
        assert (run_id in peer.follower.following) is not ended[-1]


@given(lives())
def test_every_run_ends_when_its_history_is_answered_by_the_clock(peer: Peer) -> None:
    """Whatever has happened before, and though the socket never says another word."""
    for place in range(len(peer.prompts)):
        peer.expect(place)
    for _ in range(40):
        peer.answer_truly()
        peer.wait(1)

    assert peer.follower.following == frozenset()
    assert peer.asked == []
    assert peer.follower.due_at is None
    for run_id in peer.prompts:
        ends = [event for event in peer.events[run_id] if event.status in TERMINAL]
        assert len(ends) == 1
