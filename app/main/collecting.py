"""The interpreter, set for a process that serves: its garbage collector and its threads."""

import gc
import sys
from typing import Final

YOUNG: Final = 50_000
"""Objects made before the young are looked through. At Python's 700, a service under load spent
an eighth of its time on looking, and now and then stood still for a tenth of a second."""
SWITCH_SECONDS: Final = 0.0005
"""Longest that a thread waits for the interpreter. The driver's answers come in threads, several
waits each: at Python's 5 ms, an insert of 2 ms took up to 20 while requests came in."""


def settle() -> None:
    """Leave what the start has made alone, look for garbage less often, and change threads more."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, 20, 100)
    sys.setswitchinterval(SWITCH_SECONDS)
