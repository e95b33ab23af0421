"""The broker comes back empty, under load: everything declared again, everything announced again, nothing missing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time

from deploy.local.stack import Stack
from tests.invariants import Checker
from tests.load import Load
from tests.shop import OWNERS, Shop
from tests.system.test_kills import ORDERS_BETWEEN


def test_the_broker_loses_its_disk(stack: Stack, shop: Shop, load: Load, checker: Checker) -> None:
    # Given a worker that is away, so that messages wait in its queues
    began = time.monotonic()
    stack.stop_process("inventory-worker")
    with load.flowing():
        load.more(ORDERS_BETWEEN)

        # When the broker loses all it had
        stack.stop_process("rabbitmq")
        shutil.rmtree(stack.run.rabbitmq / "mnesia")
        stack.start_process("rabbitmq")

        # Then orders are still accepted
        load.more(ORDERS_BETWEEN)

        # When the runbook is followed: declare, then announce again
        for service in OWNERS:
            declare(stack, service)
        assert checker.auditor is not None
        checker.auditor.bind()
        for service in OWNERS:
            said = stack.manage(service, "republish", "--since", f"{round(time.monotonic() - began) + 60}s")
            assert "are unpublished again" in said
        stack.start_process("inventory-worker")
        load.more(ORDERS_BETWEEN)
    checker.expect_disorder()
    # Then nothing is missing, as the checker sees


def declare(stack: Stack, service: str) -> None:
    command = [sys.executable, "manage.py", service, "topology"]
    subprocess.run(command, env={**os.environ, **stack.environment.of_topology(service)}, check=True, stdout=subprocess.DEVNULL)
