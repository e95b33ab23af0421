"""The commands behind the make targets, without Docker. Each returns the status to exit with."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from . import preflight
from .errors import Cancelled, PolderError
from .ports import Ports
from .run_directory import RunDirectory, variables_of
from .services import SERVICES
from .stack import ROOT, Stack
from .supervisord import end_leftovers, is_running
from .terminal import Terminal, address_table, process_table

INTERRUPTED = 130
# Each group of processes gets a minute to finish what it has in hand.
DOWN_SECONDS = 240.0
# Every line after the name of its process.
NAMED = """tail -v -n 20 -F "$@" 2>/dev/null | awk '/^==> .* <==$/ {
    name = $2; sub(".*/", "", name); sub("[.]log$", "", name); next }
    /./ { printf "%-22s| %s\\n", name, $0; fflush() }'"""


def up(stack: Stack, terminal: Terminal) -> int:
    """Start, stay in the foreground, stop on Ctrl-C, SIGTERM or when the terminal goes away."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: stack.cancel())
    try:
        stack.start()
    except Cancelled:
        terminal.say("\nInterrupted; everything is stopped.")
        return INTERRUPTED
    terminal.say()
    terminal.say(address_table(variables_of(stack.run.stack_env)))
    terminal.say(
        f"\n  All of it for scripts: {stack.run.stack_env}\n"
        f"  In another terminal: make status | logs | stop service={SERVICES[-1]} | start "
        f"service={SERVICES[-1]} | down\n"
        "  Ctrl-C stops everything.\n"
    )
    try:
        stack.wait()
    finally:
        stack.stop()
    terminal.say("Stopped. The data is kept; `make up` goes on from here.")
    return 0


def doctor(run: RunDirectory, ports: Ports, terminal: Terminal) -> int:
    preflight.check(run, ports)
    terminal.say("Nothing is in the way of `make up`.")
    return 0


def status(run: RunDirectory, terminal: Terminal) -> int:
    try:
        terminal.say(process_table(Stack.running_in(run.root).processes()))
    except PolderError as error:
        terminal.say(str(error))
    return 0


def logs(run: RunDirectory, name: str) -> int:
    if not run.logs.exists():
        raise PolderError("There are no logs yet. Start Polder with: make up")
    wanted = Stack(run.root, Ports.recorded(run.ports)).catalogue.resolve(name) if name else None
    found = [run.log(one) for one in wanted] if wanted else sorted(run.logs.glob("*.log"))
    os.execvp("sh", ["sh", "-c", NAMED, "sh", *map(str, found)])  # noqa: S606 - tail takes over, Ctrl-C included


def change(stack: Stack, what: str, name: str, terminal: Terminal) -> int:
    """`stop` and `start`."""
    with terminal.step(f"{what.capitalize()} {', '.join(stack.catalogue.resolve(name))}"):
        if what == "stop":
            stack.stop_process(name)
        else:
            stack.start_process(name)
    return 0


def down(run: RunDirectory, terminal: Terminal) -> int:
    holder = _holder(run)
    if holder is None:
        left = end_leftovers(run) if run.root.exists() else 0
        terminal.say(
            f"Ended what was left behind: {left} processes."
            if left
            else "Polder does not run here; nothing to stop."
        )
        return 0
    with terminal.step("Stop everything"):
        os.kill(holder, signal.SIGTERM)
        deadline = time.monotonic() + DOWN_SECONDS
        while _holder(run) == holder and is_running(holder):
            if time.monotonic() > deadline:
                raise PolderError(
                    f"`make up` (process {holder}) has not stopped within {DOWN_SECONDS:.0f} s. "
                    f"See {run.logs}"
                )
            time.sleep(0.1)
    return 0


def manage(run: RunDirectory, service: str, arguments: Sequence[str]) -> int:
    """A command of a service, with the variables of the stack that was started here, as whom it has
    to run."""
    if service not in SERVICES:
        raise PolderError(
            f"Which service? service={' or '.join(SERVICES)}, and for example cmd=help"
        )
    if not run.stack_env.exists():
        raise PolderError("Polder has not been started here. Start it with: make up")
    stack = Stack(run.root, Ports.recorded(run.ports))
    variables = stack.environment.of_command(service, arguments[0])
    return subprocess.run(
        stack.catalogue.manage(service, *arguments), cwd=ROOT, env=variables, check=False
    ).returncode


def words(text: str) -> list[str]:
    return shlex.split(text) or ["help"]


def reset(
    run: RunDirectory, terminal: Terminal, yes: bool, first: Callable[[], object] | None = None
) -> int:
    """`first` is done once it is sure that everything shall go."""
    if (holder := _holder(run)) is not None:
        raise PolderError(f"Polder runs here (process {holder}). Stop it first with: make down")
    if not run.root.exists():
        terminal.say(f"There is nothing to delete: {run.root} does not exist.")
        return 0
    if not yes and not _confirmed(run.root):
        terminal.say("Nothing was deleted.")
        return 1
    if first:
        first()
    end_leftovers(run)
    if run.socket.parent != run.root:
        shutil.rmtree(run.socket.parent, ignore_errors=True)
    shutil.rmtree(run.root)
    terminal.say(f"Deleted {run.root}.")
    return 0


def _holder(run: RunDirectory) -> int | None:
    """The process of `make up`, None if there is none."""
    try:
        pid = int((run.root / "up.pid").read_text())
    except (FileNotFoundError, ValueError):
        return None
    return pid if is_running(pid) else None


def _confirmed(folder: Path) -> bool:
    try:
        return input(
            f"Delete {folder} with all data, logs and passwords? [y/N] "
        ).strip().lower() in ("y", "yes")
    except EOFError:
        print("\nNobody answers here; to delete without being asked: make reset yes=1")
        return False
