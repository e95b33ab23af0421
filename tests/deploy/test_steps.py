"""One command of the start: how it ends, and what is said of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from deploy.local.errors import Cancelled, PolderError
from deploy.local.leftovers import is_running
from deploy.local.run_directory import RunDirectory
from deploy.local.steps import Steps

# Whatever was done with SIGINT where these tests were started: a job in the background ignores it.
INTERRUPTED = [
    sys.executable,
    "-c",
    "import os, signal; signal.signal(signal.SIGINT, signal.SIG_DFL); os.kill(os.getpid(), "
    "signal.SIGINT)",
]


@pytest.fixture
def runner(run: RunDirectory, tmp_path: Path) -> Steps:
    return Steps(run, tmp_path)


def test_a_command_that_ctrl_c_hit_before_us_was_interrupted_and_did_not_fail(
    runner: Steps,
) -> None:
    # Given
    ours = threading.Timer(0.5, runner.cancel)
    ours.start()

    # Then
    with pytest.raises(Cancelled):
        runner.run("order-migrate", INTERRUPTED, dict(os.environ))
    ours.join()


def test_what_is_broken_off_leaves_nobody_behind(runner: Steps, tmp_path: Path) -> None:
    """`docker compose` hands the work to a plugin; were only `docker` killed, the plugin would go
    on starting containers."""
    # Given
    helper = tmp_path / "helper"

    def interrupt_once_begun() -> None:
        while not (helper.exists() and helper.read_text()):
            time.sleep(0.01)
        runner.cancel()

    threading.Thread(target=interrupt_once_begun, daemon=True).start()

    # When
    with pytest.raises(Cancelled):
        runner.run(
            "compose-up", ["sh", "-c", "sleep 60 & echo $! > helper; wait"], dict(os.environ)
        )

    # Then
    deadline = time.monotonic() + 5
    while is_running(int(helper.read_text())):
        assert time.monotonic() < deadline, "what the command had started still runs"
        time.sleep(0.01)


def test_a_failure_says_what_to_do(runner: Steps) -> None:
    failing = [sys.executable, "-c", "print('no such host'); raise SystemExit(100)"]
    with pytest.raises(PolderError) as failed:
        runner.run("apt", failing, dict(os.environ), fix="Look at the mirror.")

    assert str(failed.value).splitlines()[0] == "apt ended with status 100. It was: " + " ".join(
        failing
    )
    assert "  | no such host" in str(failed.value)
    assert str(failed.value).splitlines()[-1] == "Look at the mirror."


def test_a_command_that_must_not_be_broken_off_ends_by_itself(
    runner: Steps, tmp_path: Path
) -> None:
    # Given
    script = "trap '' INT; touch began; sleep 1; touch done"

    def interrupt_once_begun() -> None:
        while not (tmp_path / "began").exists():
            time.sleep(0.01)
        runner.cancel()

    threading.Thread(target=interrupt_once_begun, daemon=True).start()

    # When
    with pytest.raises(Cancelled):
        runner.run("apt", ["sh", "-c", script], dict(os.environ))

    # Then
    assert (tmp_path / "done").exists()


@pytest.mark.parametrize("inherited", [signal.SIG_DFL, signal.SIG_IGN], ids=["default", "ignored"])
def test_the_first_error_ends_the_steps_beside_it(
    runner: Steps, inherited: signal.Handlers
) -> None:
    """A shell that begins us in the background ignores SIGINT for us, and for all that we begin."""

    def fails() -> None:
        runner.run("broken", ["false"], dict(os.environ))

    def goes_on() -> None:
        runner.run("long", ["sleep", "600"], dict(os.environ))

    before = signal.signal(signal.SIGINT, inherited)
    try:
        with pytest.raises(PolderError, match="broken ended with status 1"):
            runner.together(goes_on, fails)
    finally:
        signal.signal(signal.SIGINT, before)


def test_signals_while_it_waits_never_hang_it(tmp_path: Path) -> None:
    """A handler that takes a lock which the interrupted wait holds would wait for itself, about
    once in 200 times."""
    program = (
        "import signal, sys, os, threading, time; from pathlib import Path; sys.path.insert(0, "
        "sys.argv[2]);from deploy.local.steps import Steps; from deploy.local.run_directory import "
        "RunDirectory;run = RunDirectory(Path(sys.argv[1])); run.create()\n"
        "for number in range(100):\n"
        "    steps = Steps(run, run.root); signal.signal(signal.SIGTERM, lambda *_: "
        "steps.cancel())\n"
        "    threading.Timer(number * 0.0003, lambda: os.kill(os.getpid(), "
        "signal.SIGTERM)).start()\n"
        "    def wait():\n"
        "        while not steps.cancelled: time.sleep(0.001)\n"
        "    steps.together(wait, wait)\n"
    )
    command = [
        sys.executable,
        "-c",
        program,
        str(tmp_path / "run"),
        str(Path(__file__).resolve().parents[2]),
    ]
    assert subprocess.run(command, timeout=120, check=False).returncode == 0
