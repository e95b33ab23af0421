"""`python -m deploy`: the command line behind `make up` and its siblings, with Docker or
without."""

from __future__ import annotations

import signal

# until something is begun, Ctrl-C ends us without a traceback
signal.signal(signal.SIGINT, signal.SIG_DFL)

import argparse
import os
import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from deploy.docker.compose import Compose, NoDocker
from deploy.local.commands import INTERRUPTED, Native
from deploy.local.errors import PolderError, explained
from deploy.local.run_directory import RunDirectory
from deploy.local.services import SERVICES
from deploy.local.stack import ROOT
from deploy.local.terminal import Terminal

COMMANDS = ("up", "status", "logs", "stop", "start", "manage", "down", "reset")


def main(arguments: Sequence[str]) -> int:
    options = parser().parse_args(arguments)
    terminal = Terminal()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # Our own connections are what their URLs say, whatever a person's shell has in PGSSLMODE.
    for name in [name for name in os.environ if name.startswith("PG")]:
        del os.environ[name]
    try:
        return run(options, RunDirectory(options.run_dir.resolve()), terminal)
    except KeyboardInterrupt:
        return INTERRUPTED
    except OSError as error:
        if (said := explained(error)) is None:
            raise
        terminal.error(said)
    except PolderError as error:
        terminal.error(error)
    return 1


def run(options: argparse.Namespace, directory: RunDirectory, terminal: Terminal) -> int:
    """Raises PolderError."""
    if options.command == "up":
        return choose(directory, terminal).up(os.environ)
    started = directory.stack_env.read_text() if directory.stack_env.exists() else ""
    contained = started.startswith("STACK=docker\n")
    shop = Compose.found(directory, terminal) if contained else Native(directory, terminal)
    name, words = [*options.words, "", ""][:2]
    match options.command:
        case "status":
            return shop.status()
        case "logs":
            return shop.logs(name)
        case "stop" | "start":
            return shop.change(options.command, name)
        case "down":
            return shop.down()
        case "manage":
            if name not in SERVICES:
                raise PolderError(f"Which service? service={' or '.join(SERVICES)}, and cmd=help")
            try:
                arguments = shlex.split(words)
            except ValueError as error:
                raise PolderError(f"cmd={words}: {error}.") from error
            return shop.manage(name, arguments or ["help"])
    return reset(shop, directory, terminal, yes=options.yes)


def choose(directory: RunDirectory, terminal: Terminal) -> Compose | Native:
    """Docker when an engine answers, unless STACK says otherwise. Raises PolderError."""
    wanted = os.environ.get("STACK", "")
    if wanted not in ("", "native", "docker"):
        raise PolderError(f"STACK={wanted}: there are STACK=docker and STACK=native.")
    try:
        if wanted == "native":
            raise NoDocker("STACK=native says so")
        compose = Compose.found(directory, terminal)
    except NoDocker as why:
        if wanted == "docker":
            raise PolderError(f"STACK=docker, but {why}.") from why
        terminal.say(f"Without Docker: {why}.")
        return Native(directory, terminal)
    terminal.say(
        f"In containers: Docker answers, with {' '.join(compose.call)} {compose.version} "
        "(STACK=native does without)."
    )
    return compose


def reset(shop: Compose | Native, directory: RunDirectory, terminal: Terminal, *, yes: bool) -> int:
    shop.require_stopped()
    if not directory.root.exists():
        terminal.say(f"There is nothing to delete: {directory.root} does not exist.")
        return 0
    question = f"Delete {directory.root} with all data, logs and passwords? [y/N] "
    if not yes and not (sys.stdin.isatty() and input(question).strip().lower() in ("y", "yes")):
        terminal.say("Nothing was deleted. To delete without being asked: make reset yes=1")
        return 1
    shop.delete()
    shutil.rmtree(directory.root)
    terminal.say(f"Deleted {directory.root}.")
    return 0


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="python -m deploy", description=__doc__)
    top.add_argument("command", choices=COMMANDS, help="what `make` with the same word does")
    top.add_argument("words", nargs="*", help="a service or a process; of `manage` its command too")
    top.add_argument("--yes", action="store_true", help="reset without asking")
    top.add_argument(
        "--run-dir",
        type=Path,
        default=ROOT / ".run",
        help="data, logs and passwords (default: .run)",
    )
    return top


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
