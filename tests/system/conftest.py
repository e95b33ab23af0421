"""One real shop for all system tests: private servers, every process. After each test all invariants must hold."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.ports import Ports
from deploy.local.stack import Stack
from tests.auditor import Auditor
from tests.invariants import Checker, Watcher, check_client
from tests.load import Load
from tests.shop import OWNERS, Shop, until


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Everything that `make up` starts, under a folder and ports of its own."""
    run_dir = tmp_path_factory.mktemp("shop")
    for folder in (run_dir, *run_dir.parents):  # PostgreSQL may run as another user
        if folder.stat().st_mode & 0o077 == 0 and Path("/tmp") in folder.parents:  # noqa: S108
            folder.chmod(0o755)
    running = Stack(run_dir / "run", Ports.free())
    running.start(seed=False)
    try:
        yield running
    finally:
        running.stop(patient=False)


@pytest.fixture(scope="session")
def shop(stack: Stack) -> Shop:
    return Shop(stack.environment.of_stack())


@pytest.fixture(scope="session")
def checker(stack: Stack, shop: Shop) -> Iterator[Checker]:
    """With an auditor that was there before the first event, and a watcher that never looks away."""
    auditor = Auditor(shop.variables["AMQP_URL"])
    auditor.bind()
    stack.manage("inventory", "seed")
    until(lambda: len(shop.get("order", "/api/products/")[1]["results"]) >= 5, "the products reach the order service")
    with Watcher(shop).watching() as watcher:
        checker = Checker(shop, auditor, watcher)
        yield checker
    for service in OWNERS:  # what a worker held without an ack is back in its queue then, where it can be counted
        stack.stop_process(f"{service}-worker")
    checker.check_queues()


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
