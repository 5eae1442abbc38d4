"""All that one Replicate knows: its predictions, its switches and what it was asked."""

import time
from collections import deque
from datetime import timedelta

import httpx

from sandbox.background import Background
from sandbox.controls import ReplicateControls, ReplicateFate
from sandbox.replicate import predictions
from sandbox.replicate.lives import Lives
from sandbox.replicate.predictions import Json, Prediction
from sandbox.replicate.rates import Rate
from sandbox.replicate.signing import Secrets
from sandbox.replicate.webhooks import Webhooks

_JOURNAL_LENGTH = 50_000


class Cloud:
    """The state behind the Replicate routes."""

    def __init__(
        self, background: Background, client: httpx.AsyncClient, seconds: float, secret: str
    ) -> None:
        self.controls = ReplicateControls()
        self.secrets = Secrets(secret)
        self.predictions: dict[str, Prediction] = {}
        self.requests: deque[Json] = deque(maxlen=_JOURNAL_LENGTH)
        self._creations, self._others = Rate(), Rate()
        self.lives = Lives(
            background=background,
            client=client,
            webhooks=Webhooks(client, self.controls, self.secrets),
            controls=self.controls,
            seconds=seconds,
            forget=self._forget,
        )

    def note(self, method: str, path: str, query: str) -> None:
        """Write down that a request came."""
        self.requests.append(
            {"method": method, "path": path, "query": query, "at": time.monotonic()}
        )

    def find(self, prediction_id: str) -> Prediction | None:
        """Return a prediction, without its data if they were kept for long enough."""
        prediction = self.predictions.get(prediction_id)
        if prediction is not None:
            self._forget_data(prediction)
        return prediction

    def newest_first(self) -> list[Prediction]:
        """Return all predictions, without those data that were kept for long enough."""
        found = list(reversed(self.predictions.values()))
        for prediction in found:
            self._forget_data(prediction)
        return found

    def too_soon(self, *, creation: bool) -> int | None:
        """Count a request against its limit; one too many: say in how many seconds that resets."""
        rate = self._creations if creation else self._others
        most = self.controls.rate_creations if creation else self.controls.rate_others
        return rate.over(time.monotonic(), most, self.controls.rate_seconds)

    def fate(self, *, creation: bool) -> ReplicateFate | None:
        """Return what becomes of this call, and count it."""
        controls = self.controls
        wish = controls.create if creation else controls.others
        left = controls.create_left if creation else controls.others_left
        if wish is None or left is None:
            return wish
        name = "create" if creation else "others"
        if left == 1:
            setattr(controls, name, None)
        setattr(controls, f"{name}_left", left - 1 or None)
        return wish

    def merge(self, changes: ReplicateControls) -> None:
        """Turn the switches given, and let those go on that are held no longer."""
        self.controls.merge(changes)
        for prediction in self.predictions.values():
            starting = prediction.started_at is None
            if not (self.controls.hold_starts if starting else self.controls.hold_ends):
                prediction.released.set()

    def reset(self) -> None:
        """Forget everything; predictions still alive end without a word."""
        for prediction in self.predictions.values():
            self.lives.end(prediction, "canceled", silent=True)
        self.predictions.clear()
        self.requests.clear()
        self._creations.forget()
        self._others.forget()
        self.merge(ReplicateControls.model_validate(ReplicateControls().model_dump()))

    def told(self) -> list[Json]:
        """Return each prediction with every try to deliver its webhooks, oldest first."""
        return [prediction.told() for prediction in self.predictions.values()]

    def _forget(self, prediction: Prediction) -> None:
        self.predictions.pop(prediction.id, None)

    def _forget_data(self, prediction: Prediction) -> None:
        if prediction.completed_at is None or prediction.removed:
            return
        own = prediction.plan.kept
        seconds = self.controls.kept if own is None else own
        if predictions.now() >= prediction.completed_at + timedelta(seconds=seconds):
            prediction.remove()
