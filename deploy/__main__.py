"""`python -m deploy`: the command line behind `make up` and its siblings, with Docker or
without.
"""

from __future__ import annotations

import signal

# until something is begun, Ctrl-C ends us without a traceback
signal.signal(signal.SIGINT, signal.SIG_DFL)

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

from deploy.docker.compose import Compose, NoDocker
from deploy.local import commands
from deploy.local.environment import connect_by_url_alone
from deploy.local.errors import PolderError, explained
from deploy.local.ports import Ports
from deploy.local.run_directory import RunDirectory, variables_of
from deploy.local.stack import ROOT, Stack
from deploy.local.terminal import Terminal

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
INTERRUPTED = 130


def main(arguments: Sequence[str]) -> int:
    options = parser().parse_args(arguments)
    terminal = Terminal()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    connect_by_url_alone()
    try:
        compose = _compose(options, terminal)
        return _in_containers(compose, options, terminal) if compose else _native(options, terminal)
    except PolderError as error:
        terminal.error(error)
        return 1
    except OSError as error:
        if (said := explained(error)) is None:
            raise
        terminal.error(said)
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED


def _compose(options: argparse.Namespace, terminal: Terminal) -> Compose | None:
    """For `up`, Docker when an engine answers, unless STACK says otherwise; else what was started
    here. Raises PolderError."""
    wanted = os.environ.get("STACK", "")
    if wanted not in ("", "native", "docker"):
        raise PolderError(f"STACK={wanted}: there are STACK=docker and STACK=native.")
    if options.command != "up" or options.free_ports:
        return Compose.found(ROOT) if started_in_docker(options.run_dir) else None
    if wanted == "native":
        terminal.say("Without Docker, as STACK=native says.")
        return None
    try:
        compose = Compose.found(ROOT)
    except NoDocker as why:
        if wanted:
            raise PolderError(f"STACK=docker, but {why}.") from why
        terminal.say(f"Without Docker: {why}.")
        return None
    terminal.say(
        f"In containers: Docker answers, with {' '.join(compose.call)} {compose.version} "
        "(STACK=native does without)."
    )
    return compose


def started_in_docker(run_dir: Path) -> bool:
    try:
        return variables_of(run_dir / "stack.env").get("STACK") == "docker"
    except FileNotFoundError:
        return False


def _in_containers(compose: Compose, options: argparse.Namespace, terminal: Terminal) -> int:
    match options.command:
        case "up":
            return compose.up(options.run_dir, terminal)
        case "logs" | "stop" | "start":
            return int(getattr(compose, options.command)(options.name))
        case "manage":
            return compose.manage(options.service, commands.words(options.words))
        case "reset":
            if compose.is_running():
                raise PolderError("Polder runs here, in containers. Stop it first with: make down")
            return commands.reset(
                RunDirectory(options.run_dir),
                terminal,
                options.yes,
                lambda: compose.down(data=True),
            )
        case "doctor":
            return commands.doctor(
                RunDirectory(options.run_dir), Ports.from_environment(os.environ), terminal
            )
    return int(getattr(compose, options.command)())


def _native(options: argparse.Namespace, terminal: Terminal) -> int:
    run = RunDirectory(options.run_dir.resolve())
    ports = Ports.free() if options.free_ports else Ports.from_environment(os.environ)
    match options.command:
        case "up":
            return commands.up(Stack(run.root, ports, progress=terminal), terminal)
        case "doctor":
            return commands.doctor(run, ports, terminal)
        case "status":
            return commands.status(run, terminal)
        case "logs":
            return commands.logs(run, options.name)
        case "stop" | "start":
            return commands.change(
                Stack.running_in(run.root), options.command, options.name, terminal
            )
        case "down":
            return commands.down(run, terminal)
        case "manage":
            return commands.manage(run, options.service, commands.words(options.words))
        case _:
            return commands.reset(run, terminal, options.yes)


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="python -m deploy",
        description="Run all of Polder on this machine, with Docker or without.",
    )
    top.add_argument(
        "--run-dir",
        type=Path,
        default=ROOT / ".run",
        help="data, logs and passwords (default: .run)",
    )
    top.add_argument(
        "--free-ports",
        action="store_true",
        help="any free ports instead of the usual ones, without Docker",
    )
    each = top.add_subparsers(dest="command", required=True, metavar="command")
    _command(each, "up", "start everything", "make up, make up ORDER_PORT=9001")
    _command(each, "doctor", "what this machine lacks for `up`", "make doctor")
    _command(each, "down", "stop what `up` started", "make down")
    _command(each, "status", "each process with its id, state, age and restarts", "make status")
    for name, does in (
        ("logs", "follow the logs of"),
        ("stop", "stop and keep down"),
        ("start", "start again"),
    ):
        one = _command(
            each,
            name,
            f"{does} a service or a process",
            f"make {name} service=inventory, make {name} service=order-relay",
        )
        one.add_argument(
            "name", nargs="?", default="", help="order, inventory-worker, postgres, rabbitmq, ..."
        )
    manage = _command(
        each,
        "manage",
        "run a command of a service",
        'make manage service=order cmd="republish --since 2h"',
    )
    manage.add_argument("service", nargs="?", default="")
    manage.add_argument(
        "words", nargs="?", default="help", help="the command with its options, in one word"
    )
    reset = _command(each, "reset", "delete all data and passwords", "make reset, make reset yes=1")
    reset.add_argument("--yes", action="store_true", help="without asking")
    return top


def _command(each: Commands, name: str, does: str, example: str) -> argparse.ArgumentParser:
    return each.add_parser(
        name, help=does, description=f"{does[0].upper()}{does[1:]}.", epilog=f"Example: {example}"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
