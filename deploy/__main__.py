"""`python -m deploy`: the command line behind `make up` and its siblings, with Docker or without."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Sequence

from deploy.choice import choose, recorded
from deploy.docker import commands
from deploy.docker.engine import Engine, NoDocker, find_engine
from deploy.docker.places import published_ports
from deploy.docker.stack import DockerStack
from deploy.local.__main__ import main as without_docker
from deploy.local.__main__ import parser
from deploy.local.commands import reset
from deploy.local.control import Control
from deploy.local.errors import PolderError
from deploy.local.ports import Ports
from deploy.local.run_directory import RunDirectory
from deploy.local.stack import ROOT, Stack
from deploy.local.terminal import Terminal


def main(arguments: Sequence[str]) -> int:
    options = parser("python -m deploy").parse_args(arguments)
    terminal = Terminal()
    try:
        if options.command == "up":
            return _up(arguments, options, terminal)
        if options.command == "reset":
            return _reset(arguments, options, terminal)
        if recorded(RunDirectory(options.run_dir)) == "native":
            return without_docker(arguments)
        command = getattr(commands, options.command)
        status: int = command(_stack(options, _engine(), terminal), terminal, options)
        return status
    except PolderError as error:
        terminal.error(error)
        return 1
    except KeyboardInterrupt:
        return 130


def _up(arguments: Sequence[str], options: Namespace, terminal: Terminal) -> int:
    choice = choose(os.environ)
    terminal.say(choice.reason)
    if choice.engine is None:
        return without_docker(arguments)
    try:
        return commands.up(_stack(options, choice.engine, terminal), terminal)
    except NoDocker as why:
        if choice.forced:
            raise
        terminal.say(f"Without Docker after all: {why}.")
        return without_docker(arguments)


def _reset(arguments: Sequence[str], options: Namespace, terminal: Terminal) -> int:
    """The volumes go too, and first: their passwords are in the run directory."""
    if not (options.run_dir / "docker").exists():
        return without_docker(arguments)
    containers = _stack(options, _engine(), terminal)
    if containers.client.running():
        raise PolderError("Polder runs here, in containers. Stop it first with: make down")
    native = Stack(options.run_dir, Ports.from_environment(os.environ))
    return reset(Control(native.run, native.catalogue), terminal, options, lambda: containers.remove(data=True))


def _engine() -> Engine:
    try:
        return find_engine()
    except NoDocker as why:
        raise PolderError(f"What was started here runs in Docker, but {why}.") from why


def _stack(options: Namespace, engine: Engine, terminal: Terminal) -> DockerStack:
    return DockerStack.at(options.run_dir, ROOT, engine, published_ports(os.environ), terminal)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
