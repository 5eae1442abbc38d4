"""Use cases are tested in virtual time: a wait of an hour takes none."""

import asyncio
import inspect

import pytest

from tests.world.loop import VirtualLoop


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a test of this folder on a loop of its own, which jumps to what comes next.

    The plugin's loop is shared as long as any fixture of the session lives in it, whichever
    loop a test asks for: an hour would be an hour there.
    """
    test = pyfuncitem.obj
    if not inspect.iscoroutinefunction(test):
        return None
    wanted = inspect.signature(test).parameters
    given = {name: value for name, value in pyfuncitem.funcargs.items() if name in wanted}
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(test(**given))
    return True
