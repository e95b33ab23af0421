"""`python -m deploy.local`: the command line behind `make up` and its siblings."""

import signal

signal.signal(signal.SIGINT, signal.SIG_DFL)  # until something is begun, Ctrl-C ends us without a traceback

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

from . import commands
from .control import Control
from .errors import PolderError, explained
from .ports import Ports
from .stack import ROOT, Stack
from .terminal import Terminal

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
EXAMPLES = """\
examples:
  python -m deploy.local up                      everything, in the foreground
  python -m deploy.local stop inventory          all processes of a service
  python -m deploy.local start inventory-worker  one process
  python -m deploy.local logs order              follow the logs of a service
  ORDER_PORT=9001 python -m deploy.local up      on another port
"""


def main(arguments: Sequence[str]) -> int:
    options = parser().parse_args(arguments)
    terminal = Terminal()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        ports = Ports.free() if options.free_ports else Ports.from_environment(os.environ)
        stack = Stack(options.run_dir, ports, progress=terminal)
        if options.command == "up":
            return commands.up(stack, terminal)
        command = getattr(commands, options.command)
        status: int = command(Control(stack.run, stack.catalogue), terminal, options)
        return status
    except PolderError as error:
        terminal.error(error)
        return 1
    except OSError as error:
        if (said := explained(error)) is None:
            raise
        terminal.error(said)
        return 1
    except KeyboardInterrupt:
        return commands.INTERRUPTED


def parser(prog: str = "python -m deploy.local") -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog=prog,
        description="Run all of Polder on this machine: PostgreSQL, RabbitMQ and every process of every service.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--run-dir", type=Path, default=ROOT / ".run", help="data, logs and passwords (default: .run)")
    top.add_argument("--free-ports", action="store_true", help="any free ports instead of the usual ones")
    each = top.add_subparsers(dest="command", required=True, metavar="command")
    _command(each, "up", "start everything and stay in the foreground; Ctrl-C stops it", "make up, make up ORDER_PORT=9001")
    _command(each, "down", "stop what `up` started elsewhere", "make down")
    _command(each, "status", "each process with its id, state, age and restarts", "make status")
    logs = _command(each, "logs", "follow the logs", "make logs, make logs s=order-relay")
    logs.add_argument("name", nargs="?", help="of this service or process only")
    for name, does in (("stop", "stop and keep down"), ("start", "start again")):
        one = _command(each, name, f"{does}: a service or a process", f"make {name} s=inventory, make {name} s=order-relay")
        one.add_argument("name", nargs="?", default="", help="order, inventory-worker, postgres, rabbitmq, ...")
    reset = _command(each, "reset", "delete all data and passwords", "make reset, make reset yes=1")
    reset.add_argument("--yes", action="store_true", help="without asking")
    return top


def _command(each: Commands, name: str, does: str, example: str) -> argparse.ArgumentParser:
    return each.add_parser(name, help=does, description=f"{does[0].upper()}{does[1:]}.", epilog=f"Example: {example}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
