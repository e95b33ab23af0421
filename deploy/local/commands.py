"""The commands behind the make targets. Each returns the status to exit with."""

import signal
from argparse import Namespace
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from rich.console import Console
from rich.text import Text

from .control import Control
from .environment import Environment
from .errors import Cancelled, PolderError
from .logs import follow
from .stack import Stack
from .terminal import Terminal, address_table, process_table

INTERRUPTED = 130
LOG_COLOURS = ("cyan", "green", "yellow", "magenta", "blue", "red")


def up(stack: Stack, terminal: Terminal) -> int:
    """Start, stay in the foreground, stop on Ctrl-C, SIGTERM or when the terminal goes away."""
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
    terminal.say("Stopped. The data is kept; `make up` goes on from here.")
    return 0


def show_addresses(terminal: Terminal, environment: Environment) -> None:
    """What stands on the screen while everything runs."""
    terminal.say()
    terminal.say(address_table(environment))
    terminal.say(
        f"\n  All of it for scripts: {environment.run.stack_env}\n"
        f"  In another terminal: make status | logs | stop s={environment.services[-1]} | start s={environment.services[-1]} | down\n"
        "  Ctrl-C stops everything.\n"
    )


def status(control: Control, terminal: Terminal, _: Namespace) -> int:
    if control.supervisor() is None:
        terminal.say("Polder does not run here. Start it with: make up")
    else:
        terminal.say(process_table(control.states()))
    return 0


def logs(control: Control, terminal: Terminal, arguments: Namespace) -> int:
    folder = control.run.logs
    if not folder.exists():
        raise PolderError("There are no logs yet. Start Polder with: make up")
    wanted = control.catalogue.resolve(arguments.name) if arguments.name else None
    console = Console(highlight=False, soft_wrap=True)
    colours: dict[str, str] = {}

    def find() -> list[Path]:
        return sorted(path for path in folder.glob("*.log") if wanted is None or path.stem in wanted)

    def show(name: str, line: str) -> None:
        colour = colours.setdefault(name, LOG_COLOURS[len(colours) % len(LOG_COLOURS)])
        console.print(Text.assemble((f"{name:<22}| ", colour), line))

    with suppress(KeyboardInterrupt, BrokenPipeError):
        follow(find, show)
    return 0


def stop(control: Control, terminal: Terminal, arguments: Namespace) -> int:
    processes = control.running(arguments.name)
    with terminal.step(f"Stop {', '.join(processes)}"):
        control.stop(processes)
    return 0


def start(control: Control, terminal: Terminal, arguments: Namespace) -> int:
    processes = control.running(arguments.name)
    with terminal.step(f"Start {', '.join(processes)}"):
        control.start(processes)
    return 0


def down(control: Control, terminal: Terminal, _: Namespace) -> int:
    if control.supervisor() is None:
        terminal.say("Polder does not run here; nothing to stop.")
        return 0
    with terminal.step("Stop everything"):
        control.down()
    return 0


def reset(control: Control, terminal: Terminal, arguments: Namespace, first: Callable[[], None] | None = None) -> int:
    """`first` is done once it is sure that everything shall go."""
    if (supervisor := control.supervisor()) is not None:
        raise PolderError(f"Polder runs here (process {supervisor}). Stop it first with: make down")
    if not control.run.root.exists():
        terminal.say(f"There is nothing to delete: {control.run.root} does not exist.")
        return 0
    if not arguments.yes and not _confirmed(control.run.root):
        terminal.say("Nothing was deleted.")
        return 1
    if first:
        first()
    control.reset()
    terminal.say(f"Deleted {control.run.root}.")
    return 0


def _confirmed(folder: Path) -> bool:
    try:
        return input(f"Delete {folder} with all data, logs and passwords? [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        print("\nNobody answers here; to delete without being asked: make reset yes=1")
        return False
