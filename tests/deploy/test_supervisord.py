"""Processes are kept as they are wanted, by supervisord and the little that it is told. With
processes that need no server."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Timer

import pytest

from deploy.local.errors import PolderError
from deploy.local.leftovers import end_leftovers, is_running
from deploy.local.ports import Ports
from deploy.local.processes import ProcessSpec
from deploy.local.stack import ROOT, Stack
from deploy.local.supervisord import ProcessView, Supervisor
from tests.blackbox.shop import until

SECONDS = 120.0
SLEEPS = ("sleep", "600")


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    """With its supervisord, and nothing running."""
    # longer than a socket's path may be
    stack = Stack(tmp_path / ("a long name " * 9) / "run", Ports.free())
    stack.run.create()
    supervisor: Supervisor = stack._supervisor
    supervisor.open()
    yield stack
    supervisor.close(patient=False)


def supervise(
    stack: Stack, name: str, *command: str, variables: dict[str, str] | None = None
) -> int:
    """Its id."""
    stack.supervise(
        [
            ProcessSpec(
                name,
                "order",
                command,
                {"PATH": os.environ["PATH"], **(variables or {})},
                lambda: True,
                stack.run.root,
            )
        ]
    )
    return pid(stack, name)


def pid(stack: Stack, name: str, but: int = 0) -> int:
    file = stack.run.pid(name)
    until(
        lambda: file.exists() and file.read_text().strip() not in ("", str(but)),
        f"{name} has written its id",
        SECONDS,
    )
    return int(file.read_text())


def test_a_killed_process_is_started_again_under_another_id_and_takes_its_group_with_it(
    stack: Stack,
) -> None:
    # Given a process with a child of its own
    child = stack.run.root / "child"
    first = supervise(stack, "order-worker", "sh", "-c", f"sleep 600 & echo $! > '{child}'; wait")
    until(lambda: child.exists() and child.read_text(), "the child runs", SECONDS)
    orphan = int(child.read_text())

    # When
    os.kill(first, signal.SIGKILL)

    # Then
    second = pid(stack, "order-worker", but=first)
    assert second != first
    until(lambda: not is_running(orphan), "what the killed one has begun is ended", SECONDS)
    assert is_running(second)
    assert stack.process("order-worker").restarts == 1


def test_what_a_killed_one_has_begun_ends_also_when_it_is_stopped_then(stack: Stack) -> None:
    # Given one that has died and waits to be started again
    child = stack.run.root / "child"
    script = f"sleep 600 & echo $! > '{child}.new'; mv '{child}.new' '{child}'; wait"
    first = supervise(stack, "order-worker", "sh", "-c", script)
    until(child.exists, "the child runs", SECONDS)
    os.kill(first, signal.SIGKILL)

    # When
    stack.stop_process("order-worker")

    # Then
    orphan = int(child.read_text())
    until(lambda: not is_running(orphan), "what the killed one has begun is ended", SECONDS)
    assert not stack.run.pid("order-worker").exists()


def test_one_that_dies_at_once_is_started_with_back_off_and_never_given_up(stack: Stack) -> None:
    # Given
    allowed = stack.run.root / "allowed"
    stack.supervise(
        [
            ProcessSpec(
                "order-relay",
                "order",
                ("sh", "-c", f"test -e '{allowed}' && exec sleep 600"),
                {},
                lambda: True,
                stack.run.root,
            )
        ]
    )

    # When
    def seen() -> ProcessView:
        return stack.process("order-relay")

    until(lambda: seen().restarts >= 3, "it was started again and again", SECONDS)
    until(lambda: seen().state == "waiting", "people are told that it waits", SECONDS)
    assert stack.process("order-relay").restarts < 50
    allowed.touch()

    # Then it runs as soon as it can
    until(lambda: stack.process("order-relay").state == "running", "it runs", SECONDS)


def test_what_was_stopped_stays_down_until_it_is_started(stack: Stack) -> None:
    # Given
    first = supervise(stack, "order-beat", *SLEEPS)

    # When
    os.kill(first, signal.SIGSTOP)  # it would never see that it shall end
    stack.stop_process("order-beat")

    # Then
    assert not is_running(first)
    assert stack.process("order-beat").state == "stopped"
    until(lambda: not stack.run.pid("order-beat").exists(), "its pid file is gone", SECONDS)
    stack.start_process("order-beat")
    assert stack.process("order-beat").state == "running"
    assert stack.process("order-beat").restarts == 0


def test_what_is_still_being_stopped_is_started_once_it_has_ended(stack: Stack) -> None:
    # Given a process that is slow to end, and a command to stop it that was interrupted
    slow = (
        "trap 'while [ ! -e enough ]; do sleep 0.05; done; exit' TERM; while :; do sleep 0.05; done"
    )
    first = supervise(stack, "order-beat", "sh", "-c", slow)
    with suppress(PolderError):
        stack._supervisor.stop(["order-beat"], seconds=-1)
    assert stack.process("order-beat").state == "stopping"

    # When it is started, and ends meanwhile
    Timer(1.0, (stack.run.root / "enough").touch).start()
    stack.start_process("order-beat")

    # Then
    assert stack.process("order-beat").state == "running"
    assert stack.process("order-beat").pid != first


def test_a_process_gets_its_own_variables_to_the_letter_and_nobody_elses(stack: Stack) -> None:
    strange = "$HOME `id` 'single' \"double\" 100 %s \\ #;"
    supervise(
        stack,
        "order-web",
        "sh",
        "-c",
        f"env -0 > '{stack.run.root}/env'; exec sleep 600",
        variables={"SECRET": strange},
    )
    until(
        lambda: b"POLDER_STACK" in _read(stack.run.root / "env"),
        "it has written them down",
        SECONDS,
    )
    got = dict(
        one.split("=", 1) for one in _read(stack.run.root / "env").decode().split("\0") if one
    )
    assert got["SECRET"] == strange
    assert not [
        name
        for name in got
        if name.startswith(("PG", "SUPERVISOR_")) or name.lower().endswith("_proxy")
    ]


def _read(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""


def test_a_log_is_bounded_while_its_process_runs(stack: Stack) -> None:
    supervise(
        stack,
        "order-web",
        "sh",
        "-c",
        "yes 'a line that is written again and again by somebody who does not stop' | head -c "
        "70000000; sleep 600",
    )
    log, before = stack.run.log("order-web"), stack.run.log("order-web").with_suffix(".log.1")
    until(before.exists, "the log is set aside", SECONDS)
    until(
        lambda: log.exists() and log.stat().st_size + before.stat().st_size <= 42_000_000,
        "both are bounded",
        SECONDS,
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_everything_ends_with_whoever_started_it(tmp_path: Path, number: signal.Signals) -> None:
    # Given a program that has started a stack's supervisord, in a process of its own
    program = (
        "import sys, time; from pathlib import Path; from deploy.local.ports import Ports; from "
        "deploy.local.stack import Stack;"
        "from deploy.local.processes import ProcessSpec;"
        "stack = Stack(Path(sys.argv[1]), Ports.free()); stack.run.create(); "
        "stack._supervisor.open();"
        "stack.supervise([ProcessSpec('order-web', 'order', ('sleep', '600'), {}, lambda: True, "
        "Path('/'))]); time.sleep(600)"
    )
    stack = Stack(tmp_path / "run", Ports.free())
    starter = subprocess.Popen([sys.executable, "-c", program, str(tmp_path / "run")], cwd=ROOT)
    process = pid(stack, "order-web")

    # When
    starter.send_signal(number)
    starter.wait()

    # Then
    until(lambda: not is_running(process), "its process has ended, too", SECONDS)
    end_leftovers(stack.run)  # waits for supervisord
    assert not list(stack.run.root.glob("*.pid"))


def test_what_a_killed_supervisord_leaves_is_ended_by_the_next_start(stack: Stack) -> None:
    # Given a child that no death signal reaches
    child = stack.run.root / "child"
    supervise(stack, "order-worker", "sh", "-c", f"setsid sleep 600 & echo $! > '{child}'; wait")
    until(lambda: child.exists() and child.read_text(), "the child runs", SECONDS)

    # When
    os.kill(int((stack.run.root / "supervisord.pid").read_text()), signal.SIGKILL)

    # Then
    assert end_leftovers(stack.run) >= 1
    assert not is_running(int(child.read_text()))
