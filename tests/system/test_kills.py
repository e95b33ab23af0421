"""SIGKILL, while orders flow: whatever process dies, at whatever point, every event arrives once."""

from __future__ import annotations

import os
import signal
import zlib
from contextlib import suppress
from typing import Any

import psycopg
import pytest

from deploy.local.stack import Stack
from tests.load import Load
from tests.shop import Shop, duplicates, until

ORDERS_BETWEEN = 60


@pytest.mark.parametrize("worker", ["inventory-worker", "order-worker", "shipping-worker"])
def test_a_pool_child_is_killed(stack: Stack, load: Load, worker: str) -> None:
    with load.flowing():
        for _ in range(3):
            load.more(ORDERS_BETWEEN)
            for child in stack.children(worker):
                with suppress(ProcessLookupError):
                    os.kill(child, signal.SIGKILL)


@pytest.mark.parametrize(
    "process", ["inventory-worker", "order-worker", "shipping-worker", "order-relay", "inventory-relay", "shipping-relay", "order-web"]
)
def test_a_process_is_killed(stack: Stack, load: Load, process: str) -> None:
    with load.flowing():
        for _ in range(2):
            load.more(ORDERS_BETWEEN)
            stack.kill(process, signal.SIGKILL)
            stack.wait_ready(process)


def test_a_worker_that_is_told_to_stop_ends_its_batches_and_acks_them(stack: Stack, shop: Shop, load: Load) -> None:
    # Given that the past has come to rest
    load.place(50)
    before = duplicates(shop)

    # When workers are stopped and started while orders flow
    with load.flowing():
        for _ in range(3):
            load.more(ORDERS_BETWEEN)
            for worker in ("inventory-worker", "order-worker"):
                stack.stop_process(worker)
                stack.start_process(worker)

    # Then nothing was delivered a second time
    until(lambda: not shop.rows("order", "SELECT FROM orders WHERE status = 'pending' LIMIT 1"), "all orders are decided")
    assert duplicates(shop) == before


def test_a_standby_relay_takes_over(stack: Stack, shop: Shop, load: Load) -> None:
    # Given that somebody else holds the leader's lock of the order relay
    with shop.database("order") as rival, load.flowing():
        stack.kill("order-relay", signal.SIGKILL)
        until(lambda: lock_as_leader(rival), "the lock is free")
        stack.wait_ready("order-relay")

        # Then nothing is published meanwhile, and orders are still accepted
        load.more(ORDERS_BETWEEN)
        [[waiting]] = shop.rows("order", "SELECT count(*) FROM outbox WHERE published_at IS NULL")
        assert waiting >= ORDERS_BETWEEN
    # When the lock is free, the standby leads (and publishes what waited, as the checker sees)


def lock_as_leader(rival: psycopg.Connection[Any]) -> bool:
    """Takes the lock that the leader of the order relays holds; whether it was free."""
    row = rival.execute("SELECT pg_try_advisory_lock(%s)", [zlib.crc32(b"relay of order")]).fetchone()
    return bool(row and row[0])
