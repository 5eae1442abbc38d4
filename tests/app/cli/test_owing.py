"""`runrelay debts`: what is owed, and what was given up."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from app.bootstrap import Store, open_store
from app.clock import Clock
from app.settings import Settings
from processors import payments, runs
from schemas.base import GenerationId, RunId
from schemas.debt import Debt, DebtKind
from schemas.run import RunStatus
from tests.app.cli.running import Answer, run
from tests.builders import PAYMENT, a_debt, a_generation, a_payment, the_debt

NAMES = ("dead", "long-dead", "alive")


@pytest.fixture
def database(mongo_uri: str, request: pytest.FixtureRequest) -> dict[str, str]:
    """Settings that name a database with a dead debt, one long dead, and one alive."""
    named = {"MONGODB_URI": mongo_uri, "MONGODB_DATABASE": f"cli_{abs(hash(request.node.name))}"}
    asyncio.run(_fill(named))
    return named


async def _fill(named: dict[str, str]) -> None:
    now = Clock().now()
    ages = (timedelta(minutes=5), timedelta(days=3), None)
    async with _opened(named) as store:
        for name, age in zip(NAMES, ages, strict=True):
            debt = Debt(
                key=runs.NOTIFY,
                kind=DebtKind.NOTIFY,
                next_at=now,
                attempts=8,
                last_error="chat not found",
                dead_at=None if age is None else now - age,
            )
            record = a_generation(RunStatus.COMPLETED, id=GenerationId(name), owed=(debt,))
            # Each a run of its own: two records cannot share one.
            record = record.change(metadata=record.metadata.change(run_id=RunId(name)))
            assert await store.generations.insert(record)


def _debts(*arguments: str, data_dir: Path, database: dict[str, str]) -> Answer:
    return run("debts", *arguments, data_dir=data_dir, **database)


def test_debts_are_listed_with_what_went_wrong(tmp_path: Path, database: dict[str, str]) -> None:
    """A line names generation, kind, state, age, tries and the last error."""
    lines = _debts("list", data_dir=tmp_path, database=database).out.splitlines()[1:]

    assert [each.split()[0] for each in lines] == sorted(NAMES)
    dead = next(each for each in lines if each.startswith("dead"))
    assert dead.split()[1:6] == ["notify", "dead", "for", "5", "min"]
    assert dead.split()[6:] == ["8", "chat", "not", "found"]


def test_dead_debts_are_listed_alone(tmp_path: Path, database: dict[str, str]) -> None:
    """What was given up is what somebody must look at."""
    lines = _debts("list", "--dead", data_dir=tmp_path, database=database).out.splitlines()[1:]

    assert [each.split()[0] for each in lines] == ["dead", "long-dead"]


@pytest.mark.parametrize(
    ("chosen", "revived"),
    [
        (("dead", "notify"), {"dead"}),
        (("dead",), {"dead"}),
        (("--since", "1h"), {"dead"}),
        (("--all-dead",), {"dead", "long-dead"}),
    ],
)
def test_dead_debts_are_brought_back(
    chosen: tuple[str, ...], revived: set[str], tmp_path: Path, database: dict[str, str]
) -> None:
    """One, those since a time, or all: due at once, their tries forgotten."""
    answer = _debts("replay", *chosen, data_dir=tmp_path, database=database)

    assert answer.out.startswith(f"{len(revived)} debts are tried again"), answer.err
    assert asyncio.run(_alive(database)) == revived


@pytest.mark.parametrize(
    ("chosen", "code"),
    [
        ((), 2),
        (("dead", "--all-dead"), 2),
        (("nobody",), 2),
        (("dead", "show"), 1),
        (("alive",), 1),
    ],
)
def test_a_replay_of_nothing_is_said_so(
    chosen: tuple[str, ...], code: int, tmp_path: Path, database: dict[str, str]
) -> None:
    """What is not there, or not dead, is not brought back."""
    assert _debts("replay", *chosen, data_dir=tmp_path, database=database).code == code


def test_what_payments_owe_is_listed(tmp_path: Path, database: dict[str, str]) -> None:
    """After the others, and overdue where nobody does it."""
    asyncio.run(_sell(database))
    lines = _debts("list", data_dir=tmp_path, database=database).out.splitlines()
    stuck = run("stuck", "--minutes", "60", data_dir=tmp_path, **database)

    assert lines[-1].split()[:3] == [PAYMENT, "payback", "waits"]
    assert (stuck.code, "payback" in stuck.out) == (1, True)


async def _sell(named: dict[str, str]) -> None:
    late = Clock().now() - timedelta(days=2)
    payback = a_debt(payments.PAYBACK, next_at=late)
    async with _opened(named) as store:
        assert await store.payments.insert(a_payment(owed=(payback,), due_at=late))


async def _alive(named: dict[str, str]) -> set[str]:
    """Return which of the dead debts are alive, their tries forgotten."""
    async with _opened(named) as store:
        found = await store.generations.many([GenerationId("dead"), GenerationId("long-dead")])
    debts = {name: the_debt(each, runs.NOTIFY) for name, each in found.items()}
    return {name for name, debt in debts.items() if debt.dead_at is None and not debt.attempts}


@asynccontextmanager
async def _opened(named: dict[str, str]) -> AsyncGenerator[Store]:
    settings = Settings.model_validate({"mongodb_database": named["MONGODB_DATABASE"]})
    store = open_store(settings, named["MONGODB_URI"])
    try:
        yield store
    finally:
        store.connection.close()


def test_what_is_stuck_is_shown(tmp_path: Path, database: dict[str, str]) -> None:
    """What is open without news, and what is overdue; nothing of it is exit code 0."""
    asyncio.run(_stick(database))
    found = run("stuck", "--minutes", "60", data_dir=tmp_path, **database)
    patient = run("stuck", "--minutes", "90000", data_dir=tmp_path, **database)

    assert found.code == 1
    assert "quiet" in found.out
    assert "late" in found.out
    assert (patient.code, "nothing is stuck" in patient.out) == (0, True)


async def _stick(named: dict[str, str]) -> None:
    long_ago = Clock().now() - timedelta(days=2)
    late = Debt(key=runs.KEEP, kind=DebtKind.KEEP, next_at=long_ago)
    async with _opened(named) as store:
        for name, status, owed in (
            ("00quiet", RunStatus.RUNNING, ()),
            ("late", RunStatus.COMPLETED, (late,)),
        ):
            record = a_generation(status, id=GenerationId(name), owed=owed, updated_at=long_ago)
            record = record.change(metadata=record.metadata.change(run_id=RunId(name)))
            assert await store.generations.insert(record)
