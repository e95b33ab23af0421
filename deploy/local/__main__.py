"""`python -m deploy.local`: the command line behind `make up` and its siblings."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from . import commands
from .control import Control
from .errors import PolderError
from .ports import Ports
from .stack import ROOT, Stack
from .terminal import Terminal

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
    except KeyboardInterrupt:
        return commands.INTERRUPTED


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="python -m deploy.local",
        description="Run all of Polder on this machine: PostgreSQL, RabbitMQ and every process of every service.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--run-dir", type=Path, default=ROOT / ".run", help="data, logs and passwords (default: .run)")
    top.add_argument("--free-ports", action="store_true", help="any free ports instead of the usual ones")
    each = top.add_subparsers(dest="command", required=True, metavar="command")
    each.add_parser("up", help="start everything and stay in the foreground; Ctrl-C stops it")
    each.add_parser("down", help="stop what `up` started elsewhere")
    each.add_parser("status", help="each process with its id, state, age and restarts")
    logs = each.add_parser("logs", help="follow the logs")
    logs.add_argument("name", nargs="?", help="of this service or process only")
    for name, does in (("stop", "stop and keep down"), ("start", "start again")):
        one = each.add_parser(name, help=f"{does}: a service or a process")
        one.add_argument("name", nargs="?", default="", help="order, inventory-worker, postgres, rabbitmq, ...")
    reset = each.add_parser("reset", help="delete all data and passwords")
    reset.add_argument("--yes", action="store_true", help="without asking")
    return top


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
