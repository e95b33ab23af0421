"""What a supervisor that was killed may have left running."""

from __future__ import annotations

import json
import os
import signal
import time
from contextlib import suppress

from .procfs import is_running, marked, started_at
from .run_directory import RunDirectory, remove

PATIENCE_SECONDS = 10.0


def end_leftovers(run: RunDirectory) -> list[int]:
    """End what an earlier supervisor of this run directory left; only while holding its lock. Returns their ids.

    Two ways to know them, neither of which can hit a stranger: the mark every supervised process is born with, and an
    id together with the start time noted for it (PostgreSQL writes its titles over the mark).
    """
    found = marked(run.root) | _noted(run)
    for number in (signal.SIGINT, signal.SIGKILL):  # PostgreSQL stops fast on SIGINT
        _signal(found, number)
        if _gone(found, PATIENCE_SECONDS if number == signal.SIGKILL else PATIENCE_SECONDS / 5):
            break
    remove([*run.root.glob("*.pid"), *run.root.glob("*.ready"), run.state])
    return sorted(found)


def _noted(run: RunDirectory) -> set[int]:
    try:
        noted = json.loads(run.state.read_text())
    except (FileNotFoundError, ValueError):
        return set()
    return {one["pid"] for one in noted if one["pid"] and is_running(one["pid"]) and _is_same(one)}


def _is_same(noted: dict[str, int]) -> bool:
    return started_at(noted["pid"]) == noted["started"]


def _signal(found: set[int], number: signal.Signals) -> None:
    for pid in filter(is_running, found):
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def _gone(found: set[int], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while any(map(is_running, found)):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
