"""`python -m deploy.doctor`: see the package."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from deploy.choice import choose
from deploy.docker.client import Client
from deploy.docker.places import published_ports
from deploy.doctor.docker import images
from deploy.doctor.finding import WRONG, Finding, fine, wrong
from deploy.doctor.machine import machine
from deploy.doctor.python import python
from deploy.doctor.run import earlier_run
from deploy.doctor.servers import servers
from deploy.local.errors import PolderError

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = """\
examples:
  make doctor                                  what `make up` would meet here
  make doctor ORDER_PORT=9001                  the same, with another port
  make doctor STACK=native                     the same without Docker, even where an engine answers
  python3 -m deploy.doctor --run-dir /tmp/run  for data in another place
"""


def main(arguments: Sequence[str]) -> int:
    options = _parser().parse_args(arguments)
    unicode = (sys.stdout.encoding or "").lower().startswith("utf")
    wrong = 0
    for finding in findings(options.run_dir.resolve()):
        print(finding.line(unicode), flush=True)
        wrong += finding.mark == WRONG
    print(f"make doctor: {f'{wrong} to mend before `make up` can work' if wrong else '`make up` will work'}")
    return 1 if wrong else 0


def findings(run_dir: Path) -> Iterator[Finding]:
    yield from machine(ROOT, run_dir)
    yield from python(ROOT)
    try:
        yield from _stack(run_dir)
    except PolderError as error:
        yield wrong(str(error).rstrip("."), "mend that, or say another")


def _stack(run_dir: Path) -> Iterator[Finding]:
    """Of the one that `make up` would choose. Raises PolderError."""
    choice = choose(os.environ)
    yield fine(choice.reason)
    if choice.engine is None:
        yield from servers(ROOT, run_dir)
        yield from earlier_run(run_dir, None)
        return
    client = Client(choice.engine, ROOT, run_dir / "docker", published_ports(os.environ))
    yield images(client, ROOT, choice.forced)
    yield from earlier_run(run_dir, client)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="make doctor",
        description="Find what this machine lacks for `make up`, with the mend for each. Changes nothing. Exit status 1 if `make up` would fail.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--run-dir", type=Path, default=ROOT / ".run", help="where the data would be (default: .run)")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
