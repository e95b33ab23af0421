"""One real shop for all system tests. After each test all invariants must hold."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.blackbox.shop import Shop
from tests.disturbed import DisturbedStack
from tests.invariants import Checker, check_client
from tests.load import Load
from tests.otlp import Receiver
from tests.standing import Standing, standing_shop
from tests.temporary import temporary_folder


@pytest.fixture(scope="session")
def receiver() -> Iterator[Receiver]:
    with Receiver().listening() as receiver:
        yield receiver


@pytest.fixture(scope="session")
def standing(receiver: Receiver) -> Iterator[Standing]:
    """It traces, so all that is tested here holds of a shop that does."""
    traces = {"POLDER_TRACES_URL": receiver.url, "OTEL_BSP_SCHEDULE_DELAY": "1000"}
    with temporary_folder("system") as folder, standing_shop(folder, traces) as standing:
        yield standing


@pytest.fixture(scope="session")
def stack(standing: Standing) -> DisturbedStack:
    return standing.stack


@pytest.fixture(scope="session")
def shop(standing: Standing) -> Shop:
    return standing.shop


@pytest.fixture(scope="session")
def checker(standing: Standing) -> Checker:
    return standing.checker


@pytest.fixture(autouse=True)
def everything_holds(checker: Checker) -> Iterator[None]:
    """After each test, whatever it did."""
    yield
    checker.check()


@pytest.fixture
def load(shop: Shop, checker: Checker) -> Iterator[Load]:
    """Customers; afterwards every order that was accepted exists exactly once."""
    load = Load(shop)
    yield load
    check_client(shop, load.accepted)
