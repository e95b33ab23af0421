"""Several processes run as one, with real ones."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from polder.consumer.management.commands import events
from polder.testing import eventually

ROOT = Path(__file__).resolve().parents[2]
READY = "import os, time, pathlib; pathlib.Path(os.environ['POLDER_READY_FILE']).touch(); "
POLITE = "import signal, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit(print('bye'))); "
DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
STUBBORN = f"{DEAF}{READY}print('begun', os.getpid()); time.sleep(600)"
SLEEPS = f"{POLITE}{READY}print('begun', os.getpid()); time.sleep(600)"
DIES = f"{READY}print('oh'); time.sleep(1); raise SystemExit(3)"
KILLED = f"{READY}os.kill(os.getpid(), 9)"
RUNNER = """
import os, signal, sys
from polder.consumer.process_group import ProcessGroup
from polder.process.stopping import stop_on
stop = stop_on()
commands = {f"p{n}": [sys.executable, "-c", code] for n, code in enumerate(sys.argv[1:])}
write = lambda line: (sys.stdout.write(line), sys.stdout.flush())
sys.exit(ProcessGroup(commands, os.environ, write).run(stop))
"""


class Run:
    def __init__(self, output: Path, *codes: str) -> None:
        self.output = output
        with output.open("w") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-c", RUNNER, *codes],
                env={**os.environ, "PYTHONPATH": str(ROOT / "common")},
                stdout=file,
                stderr=subprocess.STDOUT,
            )

    def said(self) -> str:
        return self.output.read_text()

    def children(self) -> list[int]:
        words = [line.split() for line in self.said().splitlines()]
        return [int(line[3]) for line in words if line[2:3] == ["begun"]]


@pytest.fixture
def runs() -> Iterator[list[Run]]:
    runs: list[Run] = []
    yield runs
    for run in runs:
        for number in (run.process.pid, *run.children()):
            with suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
        run.process.wait()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_being_told_to_stop_ends_all_of_them(
    tmp_path: Path, runs: list[Run], number: signal.Signals
) -> None:
    # Given
    run = Run(tmp_path / "output", SLEEPS, SLEEPS)
    runs.append(run)
    eventually(lambda: "events | ready: p0, p1" in run.said() and len(run.children()) == 2)

    # When
    run.process.send_signal(number)

    # Then
    assert run.process.wait(120) == 0
    assert "p0     | bye" in run.said()
    assert "p1     | bye" in run.said()
    assert not any(_lives(child) for child in run.children())


@pytest.mark.parametrize(("code", "status"), [(DIES, 3), (KILLED, 137)])
def test_one_that_dies_ends_the_others(
    tmp_path: Path, runs: list[Run], code: str, status: int
) -> None:
    run = Run(tmp_path / "output", SLEEPS, code)
    runs.append(run)

    assert run.process.wait(120) == status
    assert f"events | p1 ended with status {status}; the others end, too" in run.said()
    assert not any(_lives(child) for child in run.children())


def test_being_told_again_kills_who_does_not_end(tmp_path: Path, runs: list[Run]) -> None:
    # Given
    run = Run(tmp_path / "output", SLEEPS, STUBBORN)
    runs.append(run)
    eventually(lambda: "events | ready" in run.said() and len(run.children()) == 2)
    run.process.send_signal(signal.SIGINT)
    eventually(lambda: "p0     | bye" in run.said())

    # When
    run.process.send_signal(signal.SIGINT)

    # Then
    assert run.process.wait(120) == 0
    assert "events | p1 does not end, and is killed" in run.said()
    assert not any(_lives(child) for child in run.children())


@pytest.mark.parametrize(
    ("mine", "relay"),
    [
        (["manage.py", "events"], ["manage.py", "relay"]),
        (["manage.py", "order", "events"], ["manage.py", "order", "relay"]),
        (
            ["-Werror", "-m", "django", "events", "--settings", "a.b"],
            ["-Werror", "-m", "django", "relay", "--settings", "a.b"],
        ),
    ],
)
def test_each_is_started_as_the_command_was(
    monkeypatch: pytest.MonkeyPatch, mine: list[str], relay: list[str]
) -> None:
    monkeypatch.setattr(sys, "orig_argv", ["python", *mine])

    assert events.command("relay") == [sys.executable, *relay]


def test_a_service_that_publishes_and_subscribes_needs_all() -> None:
    assert events.needed() == ["relay", "worker", "housekeeper", "beat"]


def _lives(number: int) -> bool:
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    return True


def test_when_it_is_killed_its_processes_end(runs: list[Run], tmp_path: Path) -> None:
    run = Run(tmp_path / "output", SLEEPS, SLEEPS)
    runs.append(run)
    eventually(lambda: len(run.children()) == 2)

    run.process.kill()

    eventually(lambda: not any(Path(f"/proc/{child}").exists() for child in run.children()))
