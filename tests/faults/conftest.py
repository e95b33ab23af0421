"""One shop for all faults, and one with three brokers for those of the cluster, with its failpoints
ready to be armed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from polder.failpoints import VARIABLE
from tests.faults.results import Results
from tests.faults.scene import Scene
from tests.load import Load
from tests.standing import standing_shop
from tests.temporary import failpoints_in, temporary_folder


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("faults")
    group.addoption("--times", type=int, default=1, help="how often each fault strikes")
    group.addoption(
        "--seed", type=int, default=1, help="of where the faults strike, and of the load"
    )
    group.addoption(
        "--pause", type=float, default=0.1, help="seconds between two orders of a customer"
    )
    group.addoption(
        "--full",
        action="store_true",
        help="each fault lasts as long as the catalogue says, and not its short form",
    )
    group.addoption("--short", action="store_true", help="only the few that CI runs")
    group.addoption("--record", type=Path, help="the file of results to add to")


@pytest.fixture(scope="session")
def scene(request: pytest.FixtureRequest) -> Iterator[Scene]:
    """Its parameter is how many nodes the broker has. There is one shop at a time: pytest puts the
    tests of each together."""
    options = request.config.option
    with ExitStack() as entered:
        folder = entered.enter_context(temporary_folder("faults"))
        failpoints = failpoints_in(folder)
        stack, shop, checker = entered.enter_context(
            standing_shop(folder, {VARIABLE: str(failpoints)}, brokers=request.param)
        )
        load = Load(shop, seed=options.seed, pause=options.pause, merchant=True)
        yield Scene(
            stack, shop, load, checker, random.Random(options.seed), failpoints, options.full
        )


@pytest.fixture(scope="session")
def results(request: pytest.FixtureRequest) -> Results:
    return (
        Results.read(request.config.option.record) if request.config.option.record else Results({})
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.option.short:
        chosen = [
            item
            for item in items
            if isinstance(item, pytest.Function) and item.callspec.params["fault"].quick
        ]
        config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
        items[:] = chosen


class Live:
    """Tells of each fault as soon as it is over: what was measured, or what went wrong."""

    def __init__(self, terminal: pytest.TerminalReporter) -> None:
        self.terminal = terminal

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and (crash := getattr(report.longrepr, "reprcrash", None)) is not None:
            self.terminal.write_line(
                f"  {report.nodeid} ({report.when}): {crash.message[:1000]}", red=True
            )
        elif report.when == "call":
            for line in report.capstdout.splitlines():
                self.terminal.write_line(f"  {line}")


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    if isinstance(terminal, pytest.TerminalReporter):
        config.pluginmanager.register(Live(terminal), "live-faults")
