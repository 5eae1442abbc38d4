"""All that one ComfyDeploy knows: its runs, its uploads, its switches and what it was asked."""

import time
from collections import deque
from dataclasses import asdict

import httpx

from sandbox.background import Background
from sandbox.comfydeploy.lives import Lives
from sandbox.comfydeploy.runs import Json, Run
from sandbox.comfydeploy.webhooks import Webhooks
from sandbox.controls import ComfyDeployControls

_JOURNAL_LENGTH = 50_000


class Cloud:
    """The state behind the ComfyDeploy routes."""

    def __init__(self, background: Background, client: httpx.AsyncClient, seconds: float) -> None:
        self.controls = ComfyDeployControls()
        self.runs: dict[str, Run] = {}
        self.uploads: dict[str, tuple[str, bytes]] = {}
        self.requests: deque[Json] = deque(maxlen=_JOURNAL_LENGTH)
        self.lives = Lives(
            background=background,
            webhooks=Webhooks(client, self.controls),
            controls=self.controls,
            seconds=seconds,
        )

    def note(self, method: str, path: str) -> None:
        """Write down that a request came."""
        self.requests.append({"method": method, "path": path, "at": time.monotonic()})

    def merge(self, changes: ComfyDeployControls) -> None:
        """Turn the switches given, and let held runs end if they are held no longer."""
        self.controls.merge(changes)
        if not self.controls.hold_ends:
            self.lives.release(list(self.runs.values()))

    def reset(self) -> None:
        """Forget everything; runs still alive end without a word."""
        for run in self.runs.values():
            if not run.ended:
                self.lives.end(run, "cancelled", silent=True)
        self.runs.clear()
        self.uploads.clear()
        self.requests.clear()
        self.merge(ComfyDeployControls.model_validate(ComfyDeployControls().model_dump()))

    def told(self) -> list[Json]:
        """Return each run with every try to deliver one of its webhooks, oldest run first."""
        return [
            {
                "run_id": run.id,
                "deployment_id": run.deployment_id,
                "status": run.status,
                "created_at": run.created_at.isoformat(),
                "inputs": run.inputs,
                "webhook": run.webhook,
                "attempts": [asdict(attempt) for attempt in run.attempts],
            }
            for run in self.runs.values()
        ]
