"""Keep outputs: copy what a run made into our storage, so that links outlive the engine's."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final, Literal

import structlog

from app.errors import PeerBusyError, PeerDownError, PeerError, PeerMissingError, PeerRefusedError
from app.ports import Engine, Files, Storage
from app.usecases.records import Decide, Records
from app.usecases.taking import Taking
from processors import debts, runs
from processors.runs import Copy, Wanted
from schemas.base import EngineName
from schemas.debt import Debt
from schemas.generation import Generation
from schemas.timing import Timing

MOST_BYTES: Final = 2**30
"""The largest output that is copied."""
OCTETS: Final = "application/octet-stream"
"""What a file is called whose content is nothing we know."""
TOO_LARGE: Final = "too_large"
"""The reason of a PeerError that a file raises over its limit."""
NEVER: Final[Mapping[str, Literal["gone", "forbidden"]]] = {
    "forbidden": "forbidden",
    "redirect": "forbidden",
    "encoding": "forbidden",
    "refused": "gone",
}
"""Why a file is not kept that is not to be had even under a fresh address, by the reason of the
PeerError that it raises again and again."""
TRIES: Final = 30
"""Tries after which such a file is given up: about a day, for its host may only not be listed."""
TRIES_AWAITED: Final = 5
"""The same where other steps wait for it: about three minutes."""

Addresses = Mapping[str, str]
"""Of outputs by their ids, as the engine gave them just now."""


class KeepOutputs:
    """Discharges ``keep``."""

    def __init__(
        self,
        records: Records,
        engines: Mapping[EngineName, Engine],
        *,
        files: Files,
        storage: Storage,
        taking: Taking,
        timing: Timing,
    ) -> None:
        self._records = records
        self._engines = engines
        self._files = files
        self._storage = storage
        self._taking = taking
        self._timing = timing
        self._log = structlog.get_logger()

    async def __call__(self, generation: Generation, debt: Debt) -> Decide | None:
        """Copy as many outputs as the claim has time for; the rest goes under the next one."""
        wanted = runs.copies_wanted(generation)
        fresh = await self._fresh(generation, debt)
        copies, failed = dict[str, Copy](), None
        for each in _turned(wanted, debt.attempts):
            if debt.next_at - self._records.clock.now() < self._timing.keep_limit:
                break
            try:
                copies[each.key] = await self._copy(generation, debt, each, fresh)
            except PeerError as error:
                failed = error
                if isinstance(error, PeerDownError):
                    # It is the storage that is down: no other output would fare better.
                    break
        kept = self._kept(debt, copies)
        if failed is None:
            return kept
        if copies:
            await self._records.change(generation.id, self._noted(debt, copies))
        if isinstance(failed, PeerDownError):
            raise failed
        # Neither the storage's fault nor that of an engine: counted, whatever else is down.
        raise _later(failed) from failed

    async def _fresh(self, generation: Generation, debt: Debt) -> Addresses | None:
        """Return fresh addresses, where the known ones have failed; None where nobody was asked."""
        engine, run_id = self._engines.get(generation.engine), generation.metadata.run_id
        if not debt.attempts or engine is None or run_id is None:
            return None
        try:
            report = await engine.read(runs.located(generation, run_id))
        except PeerMissingError:
            return {}
        except PeerRefusedError as error:
            raise _later(error) from error
        except PeerError as error:
            raise _later(error, self._timing.ask_most) from error
        return {each.id: each.url for each in report.outputs if each.url is not None}

    async def _copy(
        self, generation: Generation, debt: Debt, wanted: Wanted, fresh: Addresses | None
    ) -> Copy:
        engine, output = self._engines.get(generation.engine), wanted.output
        url = (fresh or {}).get(output.id) or output.url or ""
        try:
            async with self._files.stream(
                url,
                hosts=engine.hosts if engine else (),
                limit_bytes=MOST_BYTES,
                timeout_seconds=self._timing.keep_limit.total_seconds(),
            ) as file:
                await self._storage.put(
                    wanted.key,
                    file.chunks,
                    limit_bytes=MOST_BYTES,
                    limit=self._timing.keep_limit,
                )
                sniffed = file.sniffed
        except PeerMissingError:
            if fresh is None:
                raise
            return self._given_up(wanted, Copy(not_kept="gone"))
        except PeerError as error:
            if error.reason == TOO_LARGE:
                return self._given_up(wanted, Copy(not_kept="too_large"))
            tries = TRIES_AWAITED if generation.feeds else TRIES
            if error.reason not in NEVER or fresh is None or debt.attempts + 1 < tries:
                raise
            return self._given_up(wanted, Copy(not_kept=NEVER[error.reason]))
        return Copy(content_type=sniffed.content_type if sniffed else OCTETS)

    def _given_up(self, wanted: Wanted, copy: Copy) -> Copy:
        self._log.warning("an output cannot be kept", output=wanted.output.id, why=copy.not_kept)
        return copy

    def _kept(self, debt: Debt, copies: Mapping[str, Copy]) -> Decide:
        """Note the copies; what is left is copied under a new claim, else the debt is done."""
        renewed = self._taking.renewed(debt.key, debt.n)

        def kept(record: Generation, now: datetime) -> Generation:
            if not debts.held(record.owed, debt.key, debt.n):
                return record
            noted = self._noted(debt, copies)(record, now)
            if runs.copies_wanted(noted):
                return renewed(noted, now)
            return debts.put(noted, debts.acknowledge(noted.owed, debt.key, debt.n))

        return kept

    def _noted(self, debt: Debt, copies: Mapping[str, Copy]) -> Decide:
        """Note copies, and leave the debt as it is; a claim that is lost changes nothing.

        Its job goes on with what there is now, whatever the rest waits for.

        Where all turns out to be lost, it is made again for whom it was to go on to; else its
        person may have paid for nothing.
        """

        def noted(record: Generation, now: datetime) -> Generation:
            if not debts.held(record.owed, debt.key, debt.n):
                return record
            after, taker = runs.copied(record, copies), self._taking.taker(now)
            if after is record and runs.copies_wanted(record):
                return record
            if runs.lost(after) and not runs.lost(record):
                if after.feeds and runs.may_remake(after):
                    return runs.remade(after, now, taker)
                after = runs.resettled(after, now, taker)
            return runs.copying_went_on(after, now, taker)

        return noted


def _later(error: PeerError, wait: timedelta | None = None) -> PeerBusyError:
    """Return the error of a try that says nothing of the storage: counted, unless told to wait."""
    return PeerBusyError(error.peer, error.said, wait)


def _turned(wanted: tuple[Wanted, ...], by: int) -> tuple[Wanted, ...]:
    """Begin each try with another output: one that takes all the time must not starve the rest."""
    at = by % len(wanted) if wanted else 0
    return wanted[at:] + wanted[:at]
