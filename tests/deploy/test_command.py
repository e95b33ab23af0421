"""One command of the start: how it ends, and what is said of it."""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path

import pytest

from deploy.local.command import CommandRunner
from deploy.local.errors import Cancelled, StepFailed
from deploy.local.procfs import is_running
from deploy.local.run_directory import RunDirectory

# Whatever was done with SIGINT where these tests were started: a job in the background ignores it.
INTERRUPTED = [sys.executable, "-c", "import os, signal; signal.signal(signal.SIGINT, signal.SIG_DFL); os.kill(os.getpid(), signal.SIGINT)"]


@pytest.fixture
def runner(tmp_path: Path) -> CommandRunner:
    run = RunDirectory(tmp_path)
    run.create()
    return CommandRunner(run, tmp_path, threading.Event())


def test_a_command_that_ctrl_c_hit_before_us_was_interrupted_and_did_not_fail(runner: CommandRunner) -> None:
    # Given
    ours = threading.Timer(0.5, runner.cancelled.set)
    ours.start()

    # Then
    with pytest.raises(Cancelled):
        runner("order-migrate", INTERRUPTED, dict(os.environ))
    ours.join()


def test_what_is_broken_off_leaves_nobody_behind(runner: CommandRunner, tmp_path: Path) -> None:
    """`docker compose` hands the work to a plugin; were only `docker` killed, the plugin would go on starting containers."""
    # Given
    helper = tmp_path / "helper"

    def interrupt_once_begun() -> None:
        while not (helper.exists() and helper.read_text()):
            time.sleep(0.01)
        runner.cancelled.set()

    threading.Thread(target=interrupt_once_begun, daemon=True).start()

    # When
    with pytest.raises(Cancelled):
        runner("compose-up", ["sh", "-c", "sleep 60 & echo $! > helper; wait"], dict(os.environ))

    # Then
    deadline = time.monotonic() + 5
    while is_running(int(helper.read_text())):
        assert time.monotonic() < deadline, "what the command had started still runs"
        time.sleep(0.01)


def test_a_failure_says_what_to_do(runner: CommandRunner) -> None:
    with pytest.raises(StepFailed) as failed:
        runner("apt", [sys.executable, "-c", "print('no such host'); raise SystemExit(100)"], dict(os.environ), mend="Look at the mirror.")

    assert str(failed.value).splitlines()[0] == "apt ended with status 100."
    assert "  | no such host" in str(failed.value)
    assert str(failed.value).splitlines()[-1] == "Look at the mirror."


def test_a_command_that_must_not_be_broken_off_ends_by_itself(runner: CommandRunner, tmp_path: Path) -> None:
    # Given
    script = "trap '' INT; touch began; sleep 1; touch done"

    def interrupt_once_begun() -> None:
        while not (tmp_path / "began").exists():
            time.sleep(0.01)
        runner.cancelled.set()

    threading.Thread(target=interrupt_once_begun, daemon=True).start()

    # When
    with pytest.raises(Cancelled):
        runner("apt", ["sh", "-c", script], dict(os.environ), interruptible=False)

    # Then
    assert (tmp_path / "done").exists()
