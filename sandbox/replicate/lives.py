"""The lives of predictions: what happens to each, when, and what its webhook is told."""

import asyncio
import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import httpx

from sandbox.background import Background
from sandbox.controls import ReplicateControls
from sandbox.replicate import given, outputs, predictions
from sandbox.replicate.given import NotFetchedError
from sandbox.replicate.predictions import Prediction
from sandbox.replicate.webhooks import COMPLETED, Webhooks

_STEPS: Final = 28
_LINES: Final = 8
_SAMPLED_AT: Final = 0.8
_MADE_AT: Final = 0.95
_BROKE_AT: Final = 0.6
_COLD_SHARE: Final = 0.1
_TIMED_OUT: Final = "Prediction interrupted; it ran for too long."


@dataclass(frozen=True)
class _Moment:
    """A step of a life; `at` is its share of the length."""

    at: float
    line: str = ""
    output: object = None
    full: bool = False


class Lives:
    """Leads predictions from their creation to their end and tells their webhooks."""

    def __init__(
        self,
        *,
        background: Background,
        client: httpx.AsyncClient,
        webhooks: Webhooks,
        controls: ReplicateControls,
        seconds: float,
        forget: Callable[[Prediction], None],
    ) -> None:
        self._background = background
        self._client = client
        self._webhooks = webhooks
        self._controls = controls
        self._seconds = seconds
        self._forget = forget

    def begin(self, prediction: Prediction) -> None:
        """Start the life of a prediction."""
        self._background.start(self._live(prediction))
        if prediction.deadline is not None:
            left = (prediction.deadline - predictions.now()).total_seconds()
            self._background.start(self._expire(prediction, left))

    def end(
        self, prediction: Prediction, status: str, *, silent: bool = False, error: str | None = None
    ) -> None:
        """End a prediction now; what has ended stays as it is.

        Args:
            prediction: Which one.
            status: `succeeded`, `failed`, `canceled`, `aborted`, or `lost`: nobody knows it then.
            silent: Whether its webhook is told nothing.
            error: What a failed one says; nothing: what its plan does.
        """
        if prediction.ended:
            return
        if status == "lost":
            self._forget(prediction)
        if status != "succeeded":
            prediction.output = None
        elif not prediction.full:
            prediction.output = outputs.output_of(prediction)
        prediction.error = (error or prediction.plan.error) if status == "failed" else None
        prediction.status = "canceled" if status == "lost" else status
        prediction.completed_at = predictions.now()
        for waiting in (prediction.woken, prediction.released, prediction.made):
            waiting.set()
        if not silent and status != "lost":
            self._tell(prediction, COMPLETED)
            self._flush(prediction)

    async def _expire(self, prediction: Prediction, seconds: float) -> None:
        await asyncio.sleep(seconds)
        self.end(prediction, "aborted" if prediction.started_at is None else "canceled")

    async def _live(self, prediction: Prediction) -> None:
        plan = prediction.plan
        seconds = self._seconds if plan.seconds is None else plan.seconds
        self._tell(prediction, "start")
        if not await self._started(prediction, seconds):
            return
        prediction.status, prediction.started_at = "processing", predictions.now()
        try:
            async with asyncio.timeout(self._controls.longest):
                await self._run(prediction, seconds)
        except NotFetchedError as error:
            self.end(prediction, "failed", error=str(error))
        except TimeoutError:
            self.end(prediction, "failed", error=_TIMED_OUT)

    async def _started(self, prediction: Prediction, seconds: float) -> bool:
        """Wait for a machine, and say whether there is one and it is still wanted."""
        usual = self._controls.cold_start
        cold = seconds * _COLD_SHARE if usual is None else usual
        asked = prediction.plan.cold
        goes_on = await _goes_on(prediction, cold if asked is None else asked)
        if goes_on and self._controls.hold_starts:
            goes_on = await _released(prediction)
        if goes_on and prediction.plan.end == "aborted":
            self.end(prediction, "aborted")
        return not prediction.ended

    async def _run(self, prediction: Prediction, seconds: float) -> None:
        fetch = self._controls.fetch_urls
        prediction.given = await given.files_of(self._client, prediction.inputs, fetch=fetch)
        prediction.logs = "." * self._controls.padding
        lived = 0.0
        for moment in self._moments(prediction):
            if not await _goes_on(prediction, (moment.at - lived) * seconds):
                return
            lived = moment.at
            if moment.output is not None and not prediction.painted:
                await outputs.paint(prediction)
                if prediction.ended:
                    return
            self._take(prediction, moment)
        if not await _goes_on(prediction, (1.0 - lived) * seconds):
            return
        if self._controls.hold_ends and not await _released(prediction):
            return
        if prediction.plan.end == "none":
            self._flush(prediction)
            await prediction.woken.wait()
        else:
            self.end(prediction, prediction.plan.end)

    def _moments(self, prediction: Prediction) -> list[_Moment]:
        seed = prediction.inputs.get("seed", 42)
        found = [_Moment(0.02, f"Using seed: {seed}\n")]
        for line in range(_LINES):
            step = round(_STEPS * line / (_LINES - 1))
            at = 0.05 + (_SAMPLED_AT - 0.05) * line / (_LINES - 1)
            found.append(_Moment(at, _tqdm(step)))
        if prediction.plan.end not in {"succeeded", "none"}:
            return [moment for moment in found if moment.at <= _BROKE_AT]
        parts = outputs.parts_of(outputs.output_of(prediction))
        for index, part in enumerate(parts, 1):
            at = _SAMPLED_AT + (_MADE_AT - _SAMPLED_AT) * index / len(parts)
            found.append(_Moment(at, output=part, full=index == len(parts)))
        return found

    def _take(self, prediction: Prediction, moment: _Moment) -> None:
        if moment.line:
            prediction.logs += moment.line
            self._tell_now_and_then(prediction, "logs")
        else:
            prediction.output, prediction.full = moment.output, moment.full
            self._tell_now_and_then(prediction, "output")
        if moment.full:
            prediction.made.set()

    def _tell_now_and_then(self, prediction: Prediction, event: str) -> None:
        """Tell an event, unless one of its kind was told just now: then once that is long ago."""
        if event in prediction.owed:
            return
        now = asyncio.get_running_loop().time()
        wait = prediction.heard.get(event, -math.inf) + self._controls.event_gap - now
        if wait <= 0:
            prediction.heard[event] = now
            self._tell(prediction, event)
        else:
            prediction.owed.add(event)
            self._background.start(self._tell_later(prediction, event, wait))

    async def _tell_later(self, prediction: Prediction, event: str, wait: float) -> None:
        await asyncio.sleep(wait)
        prediction.owed.discard(event)
        if not prediction.ended:
            prediction.heard[event] = asyncio.get_running_loop().time()
            self._tell(prediction, event)

    def _tell(self, prediction: Prediction, event: str) -> None:
        if prediction.webhook is None or event not in prediction.events:
            return
        if event in self._controls.webhooks_lost:
            return
        prediction.kept.append((event, predictions.shown(prediction)))
        if self._controls.webhooks_order is None:
            self._flush(prediction)

    def _flush(self, prediction: Prediction) -> None:
        """Send what waits for being sent, in the order that is wanted."""
        kept, prediction.kept = prediction.kept, []
        if self._controls.webhooks_order == "reverse":
            kept.reverse()
        elif self._controls.webhooks_order == "shuffle":
            # The same prediction is shuffled the same way wherever it is tried.
            random.Random(repr(prediction.inputs)).shuffle(kept)  # noqa: S311
        for event, body in kept:
            self._background.start(self._webhooks.deliver(prediction, event, body))


async def _goes_on(prediction: Prediction, delay: float) -> bool:
    """Wait, in seconds, and say whether the prediction still lives then."""
    alarm = asyncio.get_running_loop().call_later(delay, prediction.woken.set)
    await prediction.woken.wait()
    alarm.cancel()
    prediction.woken.clear()
    return not prediction.ended


async def _released(prediction: Prediction) -> bool:
    """Wait until such predictions are held no longer, and say whether it still lives then."""
    prediction.released.clear()
    await prediction.released.wait()
    return not prediction.ended


def _tqdm(step: int) -> str:
    """Return a line of tqdm's, which is all that tells how far a model is."""
    share = step / _STEPS
    bar = "#" * int(share * 10)
    if step == 0:
        return f"  0%|{'':10}| 0/{_STEPS} [00:00<?, ?it/s]\n"
    return f"{share:4.0%}|{bar:10}| {step}/{_STEPS} [00:02<00:03, 5.2it/s]\n"
