"""What may be wrong with a machine, or happen to it, while `make up` works: each ends in a clear
message, and the repeat works.

Each case is played on a copy of this machine: under a writable layer, with processes, mounts and a
network of its own. That needs root. Some cases fetch packages; offline=1 leaves them out."""

from __future__ import annotations

import subprocess
import time
from argparse import Namespace
from collections.abc import Iterator

from tests.chaos.kind import Kind, matches
from tests.chaos.startup.broken_off import broken_off
from tests.chaos.startup.case import Case
from tests.chaos.startup.lacking import lacking
from tests.chaos.startup.machine import possible


def run(options: Namespace) -> list[str]:
    chosen = [
        case
        for case in cases()
        if matches(case.name, options.filter) and not (options.offline and case.network)
    ]
    if not chosen:
        return [f"no case has {options.filter!r} in its name"]
    if why_not := possible():
        return [f"nothing was played: {why_not}"]
    failures = []
    for case in chosen:
        began = time.monotonic()
        try:
            told, again = case.play()
        except (AssertionError, subprocess.TimeoutExpired) as error:
            failures.append(f"{case.name}: {str(error)[-1500:]}")
            print(f"✗ {case.name}\n{error}", flush=True)
        else:
            seconds = time.monotonic() - began
            print(f"✓ {case.name:<24}{seconds:5.0f} s  {told}\n    then: {again}", flush=True)
    return failures


def cases() -> Iterator[Case]:
    yield from lacking()
    yield from broken_off()


KIND = Kind(
    "what goes wrong while `make up` works, on copies of this machine (root; offline=1)",
    run,
    lambda: (
        (case.name, f"{case.cause}{' (network)' if case.network else ''}") for case in cases()
    ),
)
