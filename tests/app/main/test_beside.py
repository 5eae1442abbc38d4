"""What a worker finds of the service beside it, and that it ends when that has moved."""

import asyncio
import json
from pathlib import Path

import pytest

from app.errors import UnavailableError
from app.main import beside
from app.main.listening import noted
from app.settings import Mode, Settings
from tests.app.main.test_sandboxed import TOLD
from tests.world.loop import VirtualLoop

HERE = "http://127.0.0.1:8000"


def with_stand_ins(data_dir: Path, **fields: object) -> Settings:
    """Note stand-ins, as a service does that has some; return the settings of both."""
    (data_dir / "sandbox.json").write_text(json.dumps(TOLD | fields))
    return Settings(data_dir=data_dir)


def test_stand_ins_and_address_are_those_of_the_service(tmp_path: Path) -> None:
    """A WEBHOOK_URL goes before the address."""
    settings = with_stand_ins(tmp_path)
    with noted(tmp_path, HERE):
        near = beside.found(settings)
        public = settings.model_copy(update={"webhook_url": "https://relay.example.com"})

        assert near.url == HERE
        assert near.stand_ins is not None
        assert near.stand_ins.telegram == TOLD["telegram"]
        assert beside.found(public).url is None


def test_without_a_service_it_is_said_what_to_do(tmp_path: Path) -> None:
    """Both have to be there: one that is only starting has noted its stand-ins, and no address."""
    for settings in (Settings(data_dir=tmp_path), with_stand_ins(tmp_path)):
        with pytest.raises(UnavailableError, match=r"start `runrelay serve` there first"):
            beside.found(settings)


def test_a_live_worker_needs_nothing_of_it(tmp_path: Path) -> None:
    """Everything is set."""
    live = Settings(data_dir=tmp_path, mode=Mode.LIVE, webhook_url="https://relay.example.com")

    assert beside.found(live) == (None, None)


@pytest.mark.parametrize("moved", ["stand-ins", "address"])
def test_who_uses_what_has_moved_ends(tmp_path: Path, moved: str) -> None:
    """That the service is away for a while is no reason."""
    settings = with_stand_ins(tmp_path)
    with noted(tmp_path, HERE):
        near = beside.found(settings)

    async def watched() -> None:
        async with asyncio.TaskGroup() as group:
            watching = group.create_task(beside.watch(settings, near))
            await asyncio.sleep(60)
            with noted(tmp_path, HERE):
                await asyncio.sleep(60)
            assert not watching.done()
            with_stand_ins(tmp_path, **({"token": "another"} if moved == "stand-ins" else {}))
            with noted(tmp_path, "http://127.0.0.1:8001" if moved == "address" else HERE):
                await asyncio.sleep(60)

    with asyncio.Runner(loop_factory=VirtualLoop) as runner, pytest.raises(ExceptionGroup) as ended:
        runner.run(watched())
    assert "start the worker again" in str(ended.value.exceptions[0])
