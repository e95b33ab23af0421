"""A process that is told to stop stops, whatever it was about to do at that moment."""

from __future__ import annotations

import ast
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.services import SERVICES
from polder.process.stopping import Stop
from polder.testing import eventually

ROOT = Path(__file__).resolve().parents[2]
OURS = ("common", *(f"{service}_service" for service in SERVICES))

# The signal comes at a random moment of a wait that is begun again and again, as by a relay that
# finds nothing to do. What hangs is ended by the parent: a process that waits for a lock in a
# signal handler cannot tell.
TOLD_MANY_TIMES = """
import random, signal, sys
from polder.process.stopping import stop_on
for turn in range(int(sys.argv[1])):
    stop = stop_on([signal.SIGALRM])
    signal.setitimer(signal.ITIMER_REAL, random.uniform(0.00001, 0.002))
    while not stop.wait(random.uniform(0, 0.0005)):
        pass
print("stopped")
"""


def test_told_at_any_moment() -> None:
    done = subprocess.run(
        [sys.executable, "-c", TOLD_MANY_TIMES, "5000"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )

    assert done.stdout == "stopped\n"


def test_told_more_often_than_a_pipe_holds() -> None:
    stop = Stop()
    for _ in range(100_000):
        stop.set()
    assert stop.wait()


def test_everybody_who_waits_is_woken() -> None:
    stop, woken = Stop(), []
    threads = [threading.Thread(target=lambda: woken.append(stop.wait(60))) for _ in range(3)]
    for thread in threads:
        thread.start()
    assert not stop.wait(0.001)

    stop.set()

    eventually(lambda: woken == [True] * 3)


@pytest.mark.parametrize("package", OURS)
def test_nobody_handles_a_signal_otherwise(package: str) -> None:
    """A handler of one's own would have to take no lock: print, log, or set a threading.Event. That
    of an alarm only raises."""
    found = [
        path
        for path in (ROOT / package).rglob("*.py")
        if path.name != "stopping.py"
        and any("SIGALRM" not in ast.dump(one) for one in _handlers(ast.parse(path.read_text())))
    ]

    assert found == []


def _handlers(tree: ast.AST) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in (
            "signal.signal",
            "loop.add_signal_handler",
        ):
            yield node
