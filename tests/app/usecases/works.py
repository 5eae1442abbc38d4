"""Jobs of several steps on fakes: engines that carry out what they are sent, and what is ordered.

Nothing has to be told: whoever asks about a run finds it as it was to end.
"""

import asyncio
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

from app.errors import PeerMissingError
from processors.chains import Ordered
from schemas.base import EngineName, RunId
from schemas.generation import Generation
from schemas.job import Job, JobId
from schemas.ledger import EntryKind
from schemas.preset import Binding, ImageInput, ReplicateTarget
from schemas.run import RunReport, RunStatus
from tests.app.usecases.scenes import Scene, webhook_of
from tests.builders import COMFYDEPLOY, a_preset, a_prompt, a_report, an_output, some_steps, titled
from tests.fakes.engines import FakeEngine
from tests.fakes.gates import Gate, ajar

REPLICATE: Final = EngineName("replicate")
GONE: Final = PeerMissingError("replicate", "has no such file")
LONG: Final = 3600.0
"""Virtual seconds within which whatever can happen by itself has happened."""


async def until(condition: Callable[[], bool], seconds: float = LONG) -> None:
    """Wait until something is so, for so many virtual seconds at most."""
    for _ in range(int(seconds)):
        if condition():
            return
        await asyncio.sleep(1)
    raise TimeoutError


class Works(FakeEngine):
    """An engine whose every run is over when it is first asked about.

    Attributes:
        fates: How runs end that do not complete with a picture: the fields of their reports, by
            step, item and attempt. None goes on for ever.
    """

    def __init__(self, gate: Gate = ajar, name: EngineName = COMFYDEPLOY) -> None:
        super().__init__(gate, name)
        self.fates: dict[tuple[int, int, int], dict[str, Any] | None] = {}

    async def submit(self, generation: Generation, webhook: str) -> RunId:
        """See app.ports.Engine."""
        name = f"{generation.step}-{generation.item}-{generation.attempt}"
        run_id = RunId(f"run-{name}-{generation.id}")
        place = (generation.step or 1, generation.item or 1, generation.attempt)
        fate = self.fates.get(place, {"outputs": (an_output(f"{name}-{generation.id}"),)})
        fields: dict[str, Any] = {"status": RunStatus.RUNNING} if fate is None else fate
        known: dict[str, Any] = {"run_id": run_id, "webhook": webhook}
        self.reports[run_id] = a_report(**(known | fields))
        self.next_run = run_id
        return await super().submit(generation, webhook)

    def end(self, generation: Generation, **fields: Any) -> RunReport:  # noqa: ANN401 - any field of the report
        """Have a run that goes on end."""
        run_id = generation.metadata.run_id
        assert run_id is not None
        made = (an_output(f"late-{generation.id}"),)
        webhook = webhook_of(generation)
        known: dict[str, Any] = {"run_id": run_id, "webhook": webhook, "outputs": made}
        self.reports[run_id] = a_report(**(known | fields))
        return self.reports[run_id]


def a_photo(**fields: Any) -> ImageInput:  # noqa: ANN401 - any field of the input
    """A required picture."""
    known: dict[str, Any] = {
        "name": "photo",
        "type": "image",
        "titles": titled("Photo"),
        "required": True,
        "to": "image_0",
    }
    return ImageInput(**(known | fields))


def _at_replicate(name: str, *inputs: Any, **fields: Any) -> Any:  # noqa: ANN401 - as of a_preset
    target = ReplicateTarget(engine="replicate", model="acme/dress")
    return a_preset(name, *inputs, target=target, **fields)


PRESETS: Final = (
    a_preset("sketch", a_prompt(required=False), some_steps()),
    a_preset("dress", a_photo(), some_steps()),
    _at_replicate("paint", a_photo(required=False), some_steps(), max_attempts=2),
    a_preset("join", a_photo(name="one", to="one"), a_photo(name="two", to="two")),
)
"""At 5 credits each. ``paint`` is at Replicate, and is tried twice."""


class Workshop(Scene):
    """A service on fakes whose engines carry out whatever they are sent.

    Attributes:
        engine: ComfyDeploy.
        other: Replicate.
    """

    engine: Works

    def __init__(self, **fields: Any) -> None:  # noqa: ANN401 - as of a scene
        after: Workshop | None = fields.get("after")
        self.other = Works(name=REPLICATE)
        super().__init__(engine=Works, others=(self.other,), presets=PRESETS, **fields)
        if after is not None:
            self.engine.reports, self.other.reports = after.engine.reports, after.other.reports

    async def order_steps(self, *steps: Ordered, grant: int = 100, **fields: Any) -> JobId:  # noqa: ANN401 - any field of an order
        """Order a job of these steps."""
        if grant:
            await self.grant(grant)
        return (await self.place(preset=steps[0].preset, steps=steps, **fields)).id

    def lose(self, name: str) -> None:
        """Have the picture of this name be gone before anybody has fetched it."""
        self.files.files[f"https://outputs.example.com/{name}.png"] = GONE

    def part(self, job_id: JobId, number: int, item: int = 1) -> Generation:
        """Return the generation of an item of a step."""
        return self.record(self.job(job_id).parts(number)[item - 1].generation)

    def statuses(self, job_id: JobId) -> list[str]:
        """Return how each part of a job stands."""
        return [self.record(each.generation).status.value for each in self.job(job_id).steps]

    def sent(self) -> list[tuple[int | None, int | None, int]]:
        """Return which parts were sent to an engine: the step, the item and the attempt of each."""
        submitted = [*self.engine.submitted, *self.other.submitted]
        return [(each.step, each.item, each.attempt) for each, _ in submitted]

    def charged(self) -> Decimal:
        """Return how many credits were taken for good, once nothing is held."""
        assert sum(each.kind is EntryKind.HOLD for each in self.ledger.kept) > 0
        return Decimal(100) - self.ledger.kept[-1].balance

    async def over(self, job_id: JobId, seconds: float = LONG) -> Job:
        """Return a job once it has ended and nothing is owed for it."""
        await until(lambda: self._rests(job_id), seconds)
        return self.job(job_id)

    async def waits(self, job_id: JobId, step: int) -> Job:
        """Return a job once it waits for its person's word after a step, and they were told."""

        def asked() -> bool:
            job = self.job(job_id)
            return job.pause is not None and job.pause.step == step and len(job.owed) == 1

        await until(asked)
        return self.job(job_id)

    def _rests(self, job_id: JobId) -> bool:
        job = self.job(job_id)
        records = [self.generations.records.get(each.generation) for each in job.steps]
        owing = any(each is None or each.owed for each in records)
        return job.ended and not job.owed and not owing


def sketch(**fields: Any) -> Ordered:  # noqa: ANN401 - any field of what is ordered
    """A step that takes nothing."""
    known: dict[str, Any] = {"preset": "sketch", "inputs": {"prompt": "a jacket"}}
    return Ordered(**(known | fields))


def dress(step: int = 1, **fields: Any) -> Ordered:  # noqa: ANN401 - any field of what is ordered
    """A step that takes the picture of another."""
    bindings = {"photo": Binding(step=step)}
    known: dict[str, Any] = {"preset": "dress", "inputs": {}, "bindings": bindings}
    return Ordered(**(known | fields))
