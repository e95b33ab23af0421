"""`make test`: each suite on a PostgreSQL and a RabbitMQ of its own, on free ports, three side by
side. The services' suites run with the service's settings; the system's starts the real processes.
Needs nothing running beforehand, and stops everything that it started."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

from deploy.local.ports import Ports
from deploy.local.services import SERVICES
from deploy.local.stack import Stack
from tests.side_by_side import run_side_by_side
from tests.temporary import temporary_folder

NOTHING_CHOSEN = 5  # pytest: none of the tests was asked for
ROOT = Path(__file__).resolve().parents[1]
# Every other one, so that both halves take as long.
LIBRARY = sorted(
    str(path.relative_to(ROOT))
    for path in (ROOT / "tests/library").iterdir()
    if path.match("test_*.py") or (path / "__init__.py").exists()
)
# Where a suite's tests are, in parts that may run side by side; the longest first.
# The library is tested with the first service's settings.
PARTS: list[tuple[str, str, list[str]]] = [
    ("system", "tests/system", ["tests/system"]),
    (SERVICES[0], "half of tests/library", LIBRARY[::2]),
    (SERVICES[0], "the other half of tests/library", LIBRARY[1::2]),
    ("system", "tests/healing", ["tests/healing"]),
    ("system", "tests/browser", ["tests/browser"]),
    (SERVICES[0], "tests/deploy", ["tests/deploy"]),
    *((service, f"{service}_service", [f"{service}_service"]) for service in SERVICES),
]
SUITES = sorted({suite for suite, _, _ in PARTS})


def main() -> int:
    parser = _parser()
    options = parser.parse_args()
    if unknown := set(options.only) - set(SUITES):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(SUITES)}")
    if len(options.only) == 1:
        [suite] = options.only
        places = options.places or [
            place for part, _, places in PARTS if part == suite for place in places
        ]
        return run(suite, places, _chosen(options))
    began = time.monotonic()
    commands = {
        f"{suite}: {name}": _command(suite, places, _chosen(options))
        for suite, name, places in PARTS
        if suite in (options.only or SUITES)
    }
    codes = run_side_by_side(commands)
    failed = [name for name, code in codes.items() if code not in (0, NOTHING_CHOSEN)]
    if set(codes.values()) == {NOTHING_CHOSEN}:
        failed = ["no test was chosen"]
    seconds = time.monotonic() - began
    told = f"failed: {'; '.join(failed)}" if failed else "all passed"
    print(f"\nmake test: {told} in {seconds:.0f} s")
    return 1 if failed else 0


def run(suite: str, places: list[str], extra: list[str]) -> int:
    """Runs one pytest process on servers of its own; its exit status."""
    command = [sys.executable, "-m", "pytest", *places, *extra]
    if suite == "system":  # its tests start what they need
        return subprocess.run([*command, "-p", "no:django"], cwd=ROOT, check=False).returncode
    command.append(f"--ds={suite}_service.settings")
    with temporary_folder("test") as folder:
        stack = Stack(folder / "run", Ports.free())
        stack.start_servers()
        try:
            with stack.postgres.connect() as server:
                server.execute(f"ALTER ROLE {suite}_ddl CREATEDB")  # type: ignore[call-overload]
                server.execute("ALTER SYSTEM SET fsync = off")  # nobody takes its power away
                server.execute("SELECT pg_reload_conf()")
            variables = stack.environment.of_command(
                suite, "topology"
            ) | stack.environment.of_service(suite, role="ddl")
            return subprocess.run(
                command, cwd=ROOT, env={**os.environ, **variables}, check=False
            ).returncode
        finally:
            stack.stop(patient=False)


def _chosen(options: argparse.Namespace) -> list[str]:
    """For pytest: without the long ones, unless all are asked for."""
    return list(options.pytest) if options.full else ["-m", "not long", *options.pytest]


def _command(suite: str, places: list[str], extra: list[str]) -> list[str]:
    command = [sys.executable, "-m", "tests", suite, "--full", "--places", *places]
    return [*command, "--pytest", *extra]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="make test",
        description=__doc__,
        epilog="Example: python -m tests system --pytest -k shuffled",
    )
    parser.add_argument(
        "only",
        nargs="*",
        metavar="suite",
        help=f"{', '.join(SUITES)}; all of them when none is named",
    )
    parser.add_argument("--full", action="store_true", help="the long ones, too")
    parser.add_argument("--places", nargs="+", default=[], help="of one suite, only the tests here")
    parser.add_argument(
        "--pytest",
        nargs=argparse.REMAINDER,
        default=[],
        help="everything after this goes to pytest",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
