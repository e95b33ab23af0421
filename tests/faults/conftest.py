"""One shop for all faults, with its crash points ready to be armed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from common.crashpoints import VARIABLE
from tests.faults.results import Results
from tests.faults.scene import Scene
from tests.load import Load
from tests.standing import standing_shop


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("faults")
    group.addoption("--times", type=int, default=1, help="how often each fault strikes")
    group.addoption("--seed", type=int, default=1, help="of where the faults strike, and of the load")
    group.addoption("--full", action="store_true", help="each fault lasts as long as the catalogue says, and not its short form")
    group.addoption("--record", type=Path, help="the file of results to add to")


@pytest.fixture(scope="session")
def scene(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    options = request.config.option
    crash_points = tmp_path_factory.mktemp("crash-points")
    with standing_shop(tmp_path_factory.mktemp("shop"), {VARIABLE: str(crash_points)}) as (stack, shop, checker):
        load = Load(shop, seed=options.seed, merchant=True)
        yield Scene(stack, shop, load, checker, random.Random(options.seed), crash_points, options.full)


@pytest.fixture(scope="session")
def results(request: pytest.FixtureRequest) -> Results:
    return Results.read(request.config.option.record) if request.config.option.record else Results({})


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """What each run measured, whether it is recorded or not."""
    for report in terminalreporter.getreports("passed"):
        for line in report.capstdout.splitlines():
            terminalreporter.write_line(f"  {line}")
