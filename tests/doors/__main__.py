"""`make doors`: what may be wrong with a machine, or happen to it, while `make up` works. Each ends
in a clear message, and the repeat works.

Each window is played in a room of its own: this machine under a writable layer, with its own
processes, mounts and network. That needs root; without it nothing is played. Some windows fetch
packages; offline=1 leaves them out.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Iterator

from rich.console import Console
from rich.table import Table

from tests.doors.broken_off import broken_off
from tests.doors.lacking import lacking
from tests.doors.room import possible
from tests.doors.window import Window

EXAMPLES = """\
examples:
  make doors              every window
  make doors filter=disk       those with this in their name
  make doors offline=1    only those that need no network
  make doors list=1       names and causes
"""


def main() -> int:
    options = _parser().parse_args()
    chosen = [
        window
        for window in windows()
        if options.k in window.name and not (options.offline and window.network)
    ]
    if not chosen:
        print(
            f"make doors: no window has {options.k!r} in its name; `make doors list=1` lists them"
        )
        return 1
    if options.list:
        print(
            "\n".join(
                f"  {window.name:<20} {window.cause}{' (network)' if window.network else ''}"
                for window in chosen
            )
        )
        return 0
    if why_not := possible():
        print(f"make doors: nothing was played: {why_not}")
        return 1
    table = Table(show_lines=True)
    for title in ("window", "cause", "said", "the repeat", "seconds"):
        table.add_column(title, overflow="fold")
    began, failed = time.monotonic(), []
    for window in chosen:
        since = time.monotonic()
        try:
            told, again = window.play()
        except (AssertionError, subprocess.TimeoutExpired) as error:
            failed.append(window.name)
            told, again = "FAILED", str(error)[-1500:]
            print(f"  ✗ {window.name}\n{error}", flush=True)
        else:
            print(f"  ✓ {window.name:<20} {time.monotonic() - since:5.0f} s", flush=True)
        table.add_row(window.name, window.cause, told, again, f"{time.monotonic() - since:.0f}")
    Console(width=160, highlight=False, markup=False).print(table)
    print(
        "make doors: "
        f"{'failed: ' + ', '.join(failed) if failed else f'{len(chosen)} windows, all passed'} in "
        f"{time.monotonic() - began:.0f} s"
    )
    return 1 if failed else 0


def windows() -> Iterator[Window]:
    yield from lacking()
    yield from broken_off()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="make doors",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("-k", default="", help="only the windows with this in their name")
    parser.add_argument(
        "--offline", action="store_true", help="leave out those that fetch packages"
    )
    parser.add_argument("--list", action="store_true", help="list them and end")
    return parser


if __name__ == "__main__":
    sys.exit(main())
