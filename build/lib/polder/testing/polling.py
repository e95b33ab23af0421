"""Waiting for what happens in another thread or process: by looking again and again, never by guessing how long it takes."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def eventually(look: Callable[[], T], seconds: float = 60.0, pause: float = 0.01) -> T:
    """What `look` returns as soon as it is true. Raises AssertionError with the last thing seen when it is not within `seconds`."""
    deadline = time.monotonic() + seconds
    while not (seen := look()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:.0f} s; the last look saw {seen!r}")
        time.sleep(pause)
    return seen
