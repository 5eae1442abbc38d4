"""Brings the catalogues up to date with the source; see `scripts/messages`."""

import sys

from app.telegram.catalogues import path_of
from processors.notifications.texts import Language
from tests.messages import extracting


def main() -> int:
    """Write every catalogue anew; return 1 where something is left to be said in one."""
    template, left = extracting.extracted(), 0
    for language in Language:
        if language is Language.ENGLISH:
            continue
        path = path_of(language)
        path.parent.mkdir(parents=True, exist_ok=True)
        known = extracting.read(path) if path.exists() else None
        path.write_bytes(extracting.updated(language, known, template))
        for fault in extracting.faults(extracting.read(path), template):
            left += 1
            sys.stdout.write(f"{path.relative_to(extracting.ROOT)}: {fault}\n")
    return int(left > 0)


if __name__ == "__main__":
    sys.exit(main())
