"""Logging as it was, after every test that configures it."""

import logging
from collections.abc import Iterator

import pytest
import structlog

from app.observability import logs
from tests import loglines


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """Undo what `logs.configure` and `logs.keep_secret` do to the whole process."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers, root.level = handlers, level
    logs.forget_secrets()
    loglines.plain()
    structlog.contextvars.clear_contextvars()
