"""`make test`: brings its own PostgreSQL and RabbitMQ on free ports, runs pytest once per service
with that service's settings, then the system tests, which start the real processes; stops
everything it started. Needs nothing running beforehand."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from deploy.local.ports import Ports
from deploy.local.services import SERVICES
from deploy.local.stack import Stack
from tests.temporary import temporary_folder

NOTHING_CHOSEN = 5  # pytest: none of the tests was asked for
ROOT = Path(__file__).resolve().parents[1]


class Suite(NamedTuple):
    name: str
    places: list[str]
    settings: str
    environment: dict[str, str]


def suites(stack: Stack) -> Iterator[Suite]:
    """One per service, with the servers of `stack`; the rooms of `common` are tested with the first
    service's settings."""
    for service in SERVICES:
        places = [f"{service}_service"] + (
            ["tests/library", "tests/deploy"] if service == SERVICES[0] else []
        )
        environment = stack.environment.of_topology(service) | stack.environment.of_service(
            service, role="ddl"
        )
        yield Suite(
            service,
            [place for place in places if (ROOT / place).exists()],
            f"{service}_service.settings",
            environment,
        )


def run(suite: Suite, extra: list[str]) -> bool:
    """Runs one pytest process; whether it passed."""
    print(f"\n=== {suite.name} ===", flush=True)
    command = [sys.executable, "-m", "pytest", *suite.places, *extra]
    if suite.settings:
        command.append(f"--ds={suite.settings}")
    code = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **suite.environment}, check=False
    ).returncode
    return code == 0 or (code == NOTHING_CHOSEN and bool(extra))


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="make test",
        description=__doc__,
        epilog="Example: python -m tests system --pytest -k shuffled",
    )
    parser.add_argument(
        "only",
        nargs="*",
        metavar="suite",
        help=f"{', '.join(SERVICES)} or system; all of them when none is named",
    )
    parser.add_argument(
        "--pytest",
        nargs=argparse.REMAINDER,
        default=[],
        help="everything after this goes to pytest",
    )
    options = parser.parse_args()
    unknown = set(options.only) - {*SERVICES, "system"}
    if unknown:
        parser.error(
            f"unknown suite {', '.join(sorted(unknown))}; there are {', '.join(SERVICES)} and "
            "system"
        )
    chosen = options.only or [*SERVICES, "system"]
    began, failed = time.monotonic(), []
    if set(chosen) & set(SERVICES):
        failed += _services(chosen, options.pytest)
    if "system" in chosen and not run(
        Suite("system", ["tests/system"], "", {}), ["-p", "no:django", *options.pytest]
    ):
        failed.append("system")
    print(
        f"\nmake test: {'failed: ' + ', '.join(failed) if failed else 'all passed'} in "
        f"{time.monotonic() - began:.0f} s"
    )
    return 1 if failed else 0


def _services(chosen: list[str], extra: list[str]) -> list[str]:
    with temporary_folder("test") as folder:
        stack = Stack(folder / "run", Ports.free())
        stack.start_servers()
        try:
            with stack.postgres.connect() as server:
                for service in SERVICES:
                    server.execute(f"ALTER ROLE {service}_ddl CREATEDB")  # type: ignore[call-overload]
            return [
                suite.name
                for suite in suites(stack)
                if suite.name in chosen and not run(suite, extra)
            ]
        finally:
            stack.stop(patient=False)


if __name__ == "__main__":
    sys.exit(main())
