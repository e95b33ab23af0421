"""The commands behind the make targets, for the shop in containers. Each returns the status to exit with."""

from __future__ import annotations

import os
import signal
from argparse import Namespace
from typing import Any

from deploy.docker import catalogue
from deploy.docker.client import Container
from deploy.docker.stack import DockerStack
from deploy.local.commands import INTERRUPTED, show_addresses
from deploy.local.control import DOWN_SECONDS
from deploy.local.errors import Cancelled, PolderError
from deploy.local.lock import SupervisorLock
from deploy.local.terminal import Terminal, process_table

NOT_HERE = "Polder does not run here. Start it with: make up"


def up(stack: DockerStack, terminal: Terminal) -> int:
    """As without Docker: start, stay in the foreground, stop on Ctrl-C, SIGTERM or when the terminal goes away. Raises NoDocker."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: stack.cancel())
    try:
        stack.start()
    except Cancelled:
        terminal.say("\nInterrupted; everything is stopped.")
        return INTERRUPTED
    show_addresses(terminal, stack.environment)
    try:
        stack.wait()
    finally:
        stack.stop()
    terminal.say("Stopped. The data is kept, in Docker's volumes; `make up` goes on from here.")
    return 0


def status(stack: DockerStack, terminal: Terminal, _: Namespace) -> int:
    found = [one for one in stack.client.containers() if one.process != catalogue.ONE_SHOT]
    terminal.say(process_table(map(_row, found)) if found else NOT_HERE)
    return 0


def logs(stack: DockerStack, terminal: Terminal, arguments: Namespace) -> int:
    names = (arguments.name,) if arguments.name == catalogue.ONE_SHOT else catalogue.resolve(arguments.name) if arguments.name else ()
    _require_running(stack)
    plain = () if terminal.is_terminal else ("--ansi", "never")  # Compose 2.26 writes codes that clear a line into a pipe, too
    command = stack.client.compose(*plain, "logs", "--follow", "--tail=20", *names)
    os.chdir(stack.client.root)
    os.execvpe(command[0], command, stack.client.environment)  # noqa: S606 - Compose takes over, Ctrl-C included


def stop(stack: DockerStack, terminal: Terminal, arguments: Namespace) -> int:
    names = catalogue.resolve(arguments.name)
    _require_running(stack)
    with terminal.step(f"Stop {', '.join(names)}"):
        stack.stop_processes(names)
    return 0


def start(stack: DockerStack, terminal: Terminal, arguments: Namespace) -> int:
    names = catalogue.resolve(arguments.name)
    _require_running(stack)
    with terminal.step(f"Start {', '.join(names)}"):
        stack.start_processes(names)
    return 0


def down(stack: DockerStack, terminal: Terminal, _: Namespace) -> int:
    lock = SupervisorLock(stack.run.lock)
    holder = lock.holder()
    if holder is None and not stack.client.containers():
        terminal.say("Polder does not run here; nothing to stop.")
        return 0
    with terminal.step("Stop everything"):
        if holder is None:  # started by `docker compose up`, or `make up` was killed
            stack.remove()
        else:
            os.kill(holder, signal.SIGTERM)
            if not lock.wait_released(DOWN_SECONDS):
                raise PolderError(f"`make up` (process {holder}) has not stopped within {DOWN_SECONDS:.0f} s.")
    return 0


def _require_running(stack: DockerStack) -> None:
    if not stack.client.containers():
        raise PolderError(NOT_HERE)


def _row(one: Container) -> dict[str, Any]:
    state = {"exited": "stopped", "created": "stopped", "restarting": "waiting"}.get(one.state, one.state)
    if state == "running" and not one.ready:
        state = one.health  # starting, unhealthy
    return {"name": one.process, "pid": one.pid, "state": state, "since": one.since, "restarts": one.restarts}
