"""The example app of clients/js, built and served as a process of its own."""

import asyncio
import os
import shutil
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from tests.service import PATIENCE

_JS: Final = Path(__file__).parents[2] / "clients/js"
MODULES: Final = _JS / "node_modules"
"""Where the packages are that a page needs beside ours."""

_VITE: Final = MODULES / "vite/bin/vite.js"


@asynccontextmanager
async def a_shop(folder: Path, url: str, server: str, key: str) -> AsyncGenerator[None]:
    """Build the example and serve it; nothing of it is left running.

    Args:
        folder: Where it is built to.
        url: Where it is to listen: a free port of 127.0.0.1.
        server: Where Runrelay is reached.
        key: The shop's key.
    """
    await build("example", folder)
    port = url.rpartition(":")[2]
    given = ("preview", "example", "--outDir", str(folder), "--port", port, "--strictPort")
    shop = await _vite(*given, RUNRELAY_URL=server, RUNRELAY_KEY=key)
    try:
        await _until_it_listens(shop)
        yield
    finally:
        if shop.returncode is None:
            shop.kill()
        await shop.wait()


async def build(source: Path | str, folder: Path) -> None:
    """Build a page of the package as it lies here.

    Args:
        source: Where its `index.html` is.
        folder: Where it is built to; it works in whichever folder it is served from.
    """
    config = ("--config", str(_JS / "example/vite.config.js"), "--base", "./")
    built = await _vite("build", str(source), *config, "--outDir", str(folder))
    said, _ = await built.communicate()
    assert built.returncode == 0, said.decode()


async def _until_it_listens(shop: Process) -> None:
    assert shop.stdout is not None
    async with asyncio.timeout(PATIENCE):
        said = b""
        while b"Local:" not in said:
            line = await shop.stdout.readline()
            assert line, f"the shop does not open: {said.decode()}"
            said += line


async def _vite(*given: str, **environ: str) -> Process:
    node = shutil.which("node")
    assert node, "there is no Node.js: scripts/test finds one"
    assert _VITE.exists(), "there is no Vite: scripts/test installs it"
    # In CI it would colour its words, in the middle of what is waited for.
    environ |= os.environ | {"NO_COLOR": "1"} | environ
    return await asyncio.create_subprocess_exec(
        *(node, _VITE, *given), cwd=_JS, env=environ, stdout=PIPE, stderr=STDOUT
    )
