"""The settings as commands take them, and how a command says that it cannot go on.

Imported before the service starts, so it loads hardly anything.
"""

import os
import re
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NoReturn, cast

from app.errors import AppError, SetupError, UnavailableError
from app.observability import logs
from app.settings import Settings, SettingsError, load, sandbox_secrets
from app.store.embedded.errors import MongodStartError

REFUSED: Final = 2
"""The exit code where a command could not be carried out as it was given."""
LATER: Final = 1
"""The exit code where the same command may work later: the database is away, most often."""
HEADLINE: Final = "The settings will not do:"


def settled(overrides: Mapping[str, str] | None = None) -> Settings:
    """Return the settings, complete with a sandbox's own secrets, which are never printed.

    Raises:
        SettingsError: Naming everything that is missing or malformed.
    """
    settings = load({**os.environ, **(overrides or {})}, Path(".env"))
    if not settings.live:
        settings = settings.with_secrets(sandbox_secrets(settings.data_dir))
    for secret in settings.secret_values():
        logs.keep_secret(secret)
    return settings


@contextmanager
def refusing() -> Generator[None]:
    """Turn what keeps a command from being carried out into sentences and an exit code."""
    try:
        yield
    except SettingsError as error:
        refuse(error.problems, HEADLINE)
    except (AppError, BaseExceptionGroup) as error:
        known, unknown = parted(error)
        if unknown is not None:
            raise
        refuse(known, code=LATER if _passes(error) else REFUSED)


def refuse(problems: Sequence[str], headline: str | None = None, code: int = REFUSED) -> NoReturn:
    """Print what is wrong, each in a sentence, and end."""
    bold, red, plain = ("\x1b[1m", "\x1b[1;31m", "\x1b[0m") if _coloured() else ("", "", "")
    if headline:
        print(f"{red}{headline}{plain}\n", file=sys.stderr)
    for problem in problems:
        text = re.sub(r"\A([A-Za-z_]+)(?=: )", rf"{bold}\1{plain}", logs.scrub(problem))
        print(f"  {text}" if headline else text, file=sys.stderr)
    if headline:
        words = "Nothing was started. docs/configuration.md explains every setting."
        print(f"\n{words}", file=sys.stderr)
    raise SystemExit(code)


def parted(error: BaseException) -> tuple[list[str], BaseException | None]:
    """Return what can be said of an error in sentences, and the first part that cannot."""
    if isinstance(error, BaseExceptionGroup):
        group = cast("BaseExceptionGroup[BaseException]", error)
        said, odd = list[str](), None
        for each in group.exceptions:
            more, other = parted(each)
            said += more
            odd = odd or other
        return said, odd
    if isinstance(error, SetupError):
        return list(error.problems), None
    if isinstance(error, AppError):
        return [str(error)], None
    return [], error


def _passes(error: BaseException) -> bool:
    """Return whether nothing but time is needed."""
    if isinstance(error, BaseExceptionGroup):
        group = cast("BaseExceptionGroup[BaseException]", error)
        return all(map(_passes, group.exceptions))
    return isinstance(error, UnavailableError | MongodStartError)


def _coloured() -> bool:
    return sys.stderr.isatty() and not os.environ.get("NO_COLOR")
