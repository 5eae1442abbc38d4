"""The bot comes up without holding the service up."""

import asyncio
import sys

import pytest

pytestmark = pytest.mark.anyio

_PROGRAM = """
import sys
import app.bootstrap, app.main.running, app.telegram.reception
print(any(name.split(".")[0] in {"aiogram", "aiohttp"} for name in sys.modules))
"""


async def test_aiogram_is_not_imported_before_it_is_needed() -> None:
    """Importing the service costs neither aiogram's seconds nor its memory."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _PROGRAM, stdout=asyncio.subprocess.PIPE
    )
    told, _ = await process.communicate()

    assert told.strip() == b"False"
