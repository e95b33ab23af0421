"""`make check`: the whole gate besides the tests. Runs everything, shows what failed, and ends with
the number of failures as its verdict."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from deploy.local.services import SERVICES
from tools.unreachable import settings_of

BIN = Path(sys.executable).parent
AT_ONCE = 2  # none of them writes what another reads
PACKAGES = ["polder", "common.contracts", "deploy", "demo", "tools", "tests", "benchmarks"]


class Check(NamedTuple):
    name: str
    command: list[str]
    environment: dict[str, str]


def checks() -> Iterator[Check]:
    """Everything that is checked, with variables that no server has to answer to."""
    folders = [f"{service}_service" for service in SERVICES]
    base = published_before()
    yield Check("ruff: lint", [str(BIN / "ruff"), "check", "."], {})
    yield Check("ruff: format", [str(BIN / "ruff"), "format", "--check", "."], {})
    yield Check(
        "import rules", [sys.executable, "-m", "tools.import_rules"], settings_of(SERVICES[0])
    )
    yield Check(
        "reliability page as measured", [sys.executable, "-m", "tests.chaos.report", "--check"], {}
    )
    yield Check(
        "performance page as measured", [sys.executable, "-m", "benchmarks.page", "--check"], {}
    )
    yield Check("pages as the code says", [sys.executable, "-m", "tools.pages", "--check"], {})
    yield Check("links and pictures of the pages", [sys.executable, "-m", "tools.links"], {})
    yield Check("the site builds", [sys.executable, "-m", "tools.site", "--check"], {})
    for service, folder in zip(SERVICES, folders, strict=True):
        # django-stubs knows the models of one service at a time.
        packages = [*PACKAGES, folder] if service == SERVICES[0] else [folder]
        types = [argument for package in packages for argument in ("-p", package)] + [
            "-m",
            "common.settings",
        ]
        yield Check(
            f"{service}: types",
            [str(BIN / "mypy"), f"--cache-dir=.mypy_cache/{service}", *types],
            settings_of(service),
        )
        manage = [
            sys.executable,
            "-W",
            "error",
            "-W",
            "ignore:Got an error checking:RuntimeWarning",
            "manage.py",
            service,
        ]
        yield Check(
            f"{service}: migrations complete",
            [*manage, "makemigrations", "--check", "--dry-run"],
            settings_of(service),
        )
        yield Check(
            f"{service}: contracts since {base or 'they were written'}",
            [*manage, "contracts", "check", *(["--base", base] if base else [])],
            settings_of(service),
        )
        strict = settings_of(service) | {f"{service.upper()}_HTTPS": "1"}
        yield Check(
            f"{service}: OpenAPI without warnings",
            [*manage, "spectacular", "--validate", "--fail-on-warn", "--file", os.devnull],
            strict,
        )
        yield Check(
            f"{service}: check --deploy",
            [*manage, "check", "--deploy", "--fail-level", "WARNING"],
            strict,
        )


def published_before() -> str:
    """The commit whose contracts others may be using: where this branch left main, or the one
    before on main itself. Empty where Git knows none."""
    head = _git("rev-parse", "--short", "HEAD")
    for main in ("origin/main", "main"):
        fork = _git("merge-base", "HEAD", main)
        if fork and _git("rev-parse", "--short", fork) != head:
            return _git("rev-parse", "--short", fork)
    return _git("rev-parse", "--short", "HEAD^") or head


def _git(*arguments: str) -> str:
    """Empty when Git, or what was asked for, is not there."""
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _passes(check: Check) -> bool:
    """Runs it and prints its line, and what it said if it failed."""
    began = time.monotonic()
    result = subprocess.run(
        check.command,
        env=os.environ | check.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    passed = result.returncode == 0
    line = f"  {'✓' if passed else '✗'} {check.name:<40} {time.monotonic() - began:5.1f} s\n"
    print(line if passed else f"{line}{result.stdout}\n", end="", flush=True)
    return passed


def main() -> int:
    argparse.ArgumentParser(
        prog="make check", description=__doc__, epilog="Example: make check"
    ).parse_args()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        failed = sum(not passed for passed in pool.map(_passes, checks()))
    print(f"make check: {failed} failed" if failed else "make check: all passed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
