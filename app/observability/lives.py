"""The lives of generations, drawn for somebody who watches the terminal.

One line for each thing that happens, headed by the last digits of the generation's id in a
colour of its own; while runs execute, a bar for each stays at the bottom and grows in place.
Where nobody can watch a bar grow (a file, a pipe), a quarter of the way is a line.
"""

from collections import OrderedDict
from typing import Final
from urllib.parse import urlsplit

from app.observability.terminal import RESET, Terminal, fit, printable
from processors.notifications import place, prompt_of
from processors.notifications.texts import Language, Voice, english
from schemas.base import GenerationId, plain
from schemas.generation import Generation, Retry
from schemas.run import DATA, OutputKind, RunStatus

MOST_BARS: Final = 8
"""Bars shown at once; of more, only the number is."""
MOST_RUNS: Final = 1000
"""Runs kept in mind; one that ends in another process is never heard of again here."""
MOST_OUTPUTS: Final = 4
"""Outputs of one generation whose addresses are shown."""
CELLS: Final = 24
"""Width of a bar."""


class Lives:
    """Draws what happens to generations."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._signs = _ASCII if terminal.plain else _SIGNS
        self._running: OrderedDict[GenerationId, tuple[int, str, str]] = OrderedDict()

    def changed(self, before: Generation | None, after: Generation) -> None:
        """Draw what is new in `after`."""
        if before is None or before.status is not after.status:
            self._moved(before, after)
        elif after.status in _EXECUTING and after.progress != before.progress:
            self._ran(after)
        elif _comes_up(before, after):
            self._say(after, "waiting", place(after, _ENGLISH, after.updated_at) or "")
        if before is not None and after.cancel_wanted and not before.cancel_wanted:
            self._say(after, "cancelling", "asked to cancel it")

    def told(self, generation: Generation) -> None:
        """Draw that somebody has been told the end."""
        chat = generation.metadata.telegram_chat_id
        self._say(generation, "told", "the message is sent" + (f" to chat {chat}" if chat else ""))

    def _moved(self, before: Generation | None, after: Generation) -> None:
        """Draw a change of status."""
        if after.ended:
            self._ended(after)
        elif after.status in _EXECUTING:
            known = after.id in self._running
            if not known and not self._terminal.watched:
                self._say(after, "running", after.live_status or "")
            self._ran(after)
        elif after.status is not RunStatus.SUBMITTING:
            # Found out not to have been sent, it waits again.
            if before is None and after.status is not RunStatus.WAITING:
                self._say(after, "asked for", _of(after))
            else:
                self._say(after, after.status.value, _news(before, after))

    def _ran(self, after: Generation) -> None:
        """Draw how far a run has come."""
        percent = int(after.progress * 100)
        known = self._running.get(after.id)
        words = printable(after.live_status or "")
        if known is not None and known[0] == percent and known[1] == words:
            return
        self._running[after.id] = (percent, words, self._head(after, "running"))
        if len(self._running) > MOST_RUNS:
            self._running.popitem(last=False)
        if self._terminal.watched:
            self._draw_bars()
        elif percent // 25 > (known[0] if known else 0) // 25 and after.progress < 1:
            self._say(after, "running", f"{self._bar(percent)} {percent:3} %")

    def _ended(self, after: Generation) -> None:
        """Draw an end: what came out of it, how long it took, what it cost."""
        if self._running.pop(after.id, None):
            self._draw_bars()
        status = after.status.value
        self._say(after, status, _summary(after))
        outputs = after.response_payload.outputs
        for output in outputs[:MOST_OUTPUTS]:
            word = "picture" if output.kind is OutputKind.IMAGE else output.kind.value
            shown = _address(output.url) if output.url else f'"{_cut(output.text or "")}"'
            self._say(after, word, shown)
        if len(outputs) > MOST_OUTPUTS:
            self._say(after, "", f"and {len(outputs) - MOST_OUTPUTS} more")

    def _draw_bars(self) -> None:
        """Draw the bars at the bottom, the oldest run first."""
        if not self._terminal.watched:
            return
        room = self._terminal.columns() - _HEAD - _PERCENT
        cells = min(CELLS, room)
        lines: list[str] = []
        for percent, words, head in list(self._running.values())[:MOST_BARS]:
            beside = self._dim(fit(words, room - cells))
            lines.append(f"{head}{self._bar(percent, cells)} {percent:3} %  {beside}")
        if len(self._running) > MOST_BARS:
            lines.append(self._dim(f"{'':{_HEAD}}and {len(self._running) - MOST_BARS} more"))
        # On a screen too narrow for a bar, there is none.
        self._terminal.stay(lines if cells >= _MIN_CELLS else ())

    def _say(self, generation: Generation, word: str, text: str) -> None:
        """Draw one line."""
        self._terminal.write(f"{self._head(generation, word)}{printable(text)}".rstrip() + "\n")

    def _head(self, generation: Generation, word: str) -> str:
        """What a line begins with: time since it was asked for, id, sign and word."""
        since = generation.updated_at - generation.request_timestamp
        seconds = f"{max(0.0, since.total_seconds()):7.1f} s"
        short = generation.id[-6:]
        sign = self._signs.get(word, self._signs[""])
        if not self._terminal.coloured:
            return f"{seconds}  {short}  {sign} {word:<10} "
        own = _OWN[int(short, 16) % len(_OWN)]
        return (
            f"{self._dim(seconds)}  \x1b[{own}m{short}{RESET}  "
            f"\x1b[{_COLOURS.get(word, '0')}m{sign} {word:<10}{RESET} "
        )

    def _bar(self, percent: int, cells: int = CELLS) -> str:
        """Draw a bar, in halves of a cell where the terminal has such a letter."""
        full, half, empty = self._signs["full"], self._signs["half"], self._signs["empty"]
        halves = percent * cells * 2 // 100
        done = full * (halves // 2) + half * (halves % 2)
        rest = empty * (cells - len(done))
        if self._terminal.coloured:
            return f"\x1b[36m{done}{RESET}{self._dim(rest)}"
        return f"{done}{rest}"

    def _dim(self, text: str) -> str:
        return f"\x1b[2m{text}{RESET}" if self._terminal.coloured and text else text


_ENGLISH: Final = Voice(Language.ENGLISH, english)
_EXECUTING: Final = frozenset({RunStatus.RUNNING, RunStatus.UPLOADING})
_HEAD: Final = 32
"""Cells that a line's beginning takes."""
_PERCENT: Final = 9
"""Cells that the percentage beside a bar takes, and the last one, which stays free."""
_MIN_CELLS: Final = 8
_OWN: Final = (36, 35, 33, 34, 32, 96, 95, 93, 94, 92)
"""Colours of the ids: any but red, which is for failures."""
_COLOURS: Final = {
    "asked for": "1",
    "running": "36",
    "completed": "1;32",
    "failed": "1;31",
    "timeout": "1;31",
    "cancelled": "33",
    "cancelling": "33",
    "told": "32",
}
_SIGNS: Final = {
    "": "·",
    "asked for": "○",
    "waiting": "◔",
    "queued": "◔",
    "started": "◑",
    "running": "▶",
    "completed": "✔",
    "failed": "✘",
    "timeout": "✘",
    "cancelled": "■",
    "cancelling": "■",
    "picture": "▣",
    "video": "▣",
    "told": "✉",
    "full": "━",
    "half": "╸",
    "empty": "─",
}
_ASCII: Final = {"": "-", "running": ">", "full": "#", "half": "=", "empty": "."} | dict.fromkeys(
    ("failed", "timeout"), "!"
)


_AGAIN: Final[dict[str, str]] = {
    Retry.LOST: "was lost by its server",
    Retry.GONE: "was at a server that is gone",
    Retry.UNTAKEN: "was not taken by its server",
    Retry.FAILED: "failed as another try may not",
    Retry.OUTPUTS_GONE: "made what was gone before it was copied",
}


def _of(generation: Generation) -> str:
    """What was asked for, and under which id."""
    request = generation.request_payload
    prompt = prompt_of(request.inputs, request.prompt_input)
    wanted = f'"{_cut(prompt)}"  ' if prompt else ""
    return f"{wanted}{generation.engine} {generation.id}"


def _news(before: Generation | None, after: Generation) -> str:
    """What is new about a run that does not execute yet."""
    match after.status:
        case RunStatus.QUEUED:
            at = f" at {after.slot}" if after.slot else ""
            return f"{after.engine} has it{at}, as run {after.metadata.run_id or 'unknown'}"
        case RunStatus.STARTED:
            return after.live_status or "a machine has it"
        case RunStatus.WAITING:
            return f"step {after.step} of {after.steps}, for those before it  {_of(after)}"
        case RunStatus.PENDING:
            return _pending(before, after)
        case _:
            return after.live_status or ""


def _pending(before: Generation | None, after: Generation) -> str:
    """Why a run that was there already has yet to be sent."""
    if before is None or before.status is RunStatus.WAITING:
        return f"step {after.step} of {after.steps} has its turn"
    if after.attempt == before.attempt:
        return "could not be sent, and will be sent again"
    why = _AGAIN.get(after.history[-1].source, "did not come through")
    return f"{why}, and is tried again: attempt {after.attempt} of {after.max_attempts}"


def _comes_up(before: Generation, after: Generation) -> bool:
    """Return whether it is worth a line that a run has moved in the line: new in it, or next."""
    known, place = before.queue_position, after.queue_position
    waits = after.status is RunStatus.PENDING and place is not None
    return waits and known != place and (known is None or place == 1)


def _summary(generation: Generation) -> str:
    """How long it took, what it cost, and why it ended as it did."""
    parts: list[str] = []
    if generation.duration_seconds is not None:
        parts.append(f"in {generation.duration_seconds:.1f} s")
    if generation.cost_usd is not None:
        parts.append(f"cost {plain(generation.cost_usd)} USD")
    elif generation.cost_reason:
        parts.append(f"cost unknown ({generation.cost_reason})")
    if generation.status_reason:
        parts.append(_cut(generation.status_reason))
    if generation.confirmed is False:
        parts.append("not confirmed by the engine")
    return ", ".join(parts)


def _cut(text: str, most: int = 60) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _address(url: str) -> str:
    """An output's address; of one that is signed, the signature is left out: it is a key."""
    if url.startswith(DATA):
        return f"{url.partition(',')[0]},..."
    return url if not urlsplit(url).query else f"{url.partition('?')[0]}?..."
