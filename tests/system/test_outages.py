"""What everything stands on goes away while orders flow: connections, the broker, PostgreSQL, a whole service."""

from __future__ import annotations

import signal
import time

from common.broker.management_api import ManagementApi, ManagementError
from deploy.local.stack import Stack
from tests.load import Load
from tests.shop import OWNERS, Shop, until
from tests.system.test_kills import ORDERS_BETWEEN


def test_every_connection_is_closed(stack: Stack, shop: Shop, load: Load) -> None:
    with load.flowing():
        for _ in range(4):
            load.more(ORDERS_BETWEEN)
            assert close_all_connections(shop) >= 4


def close_all_connections(shop: Shop) -> int:
    """How many there were. The management API learns of a connection seconds after it is made."""
    api = ManagementApi(shop.variables["RABBITMQ_MANAGEMENT_URL"], "polder")
    closed = 0
    until(lambda: len(api.call("GET", "connections")) >= 4, "the management API lists the connections")
    for connection in api.call("GET", "connections"):
        try:
            api.call("DELETE", "connections", connection["name"])
            closed += 1
        except ManagementError:
            continue  # it was gone already
    return closed


def test_the_broker_is_killed(stack: Stack, load: Load) -> None:
    with load.flowing():
        load.more(ORDERS_BETWEEN)
        stack.kill("rabbitmq", signal.SIGKILL)
        load.more(ORDERS_BETWEEN)
        stack.wait_ready("rabbitmq")


def test_the_broker_is_restarted(stack: Stack, load: Load) -> None:
    with load.flowing():
        load.more(ORDERS_BETWEEN)
        stack.stop_process("rabbitmq")
        load.more(ORDERS_BETWEEN)
        stack.start_process("rabbitmq")


def test_postgresql_is_away_for_ten_seconds(stack: Stack, load: Load) -> None:
    with load.flowing():
        load.more(ORDERS_BETWEEN)
        stack.stop_process("postgres")
        time.sleep(10)
        stack.start_process("postgres")
        load.more(ORDERS_BETWEEN)


def test_connections_to_postgresql_are_terminated(shop: Shop, load: Load) -> None:
    with load.flowing():
        for _ in range(5):
            load.more(ORDERS_BETWEEN // 2)
            for service in OWNERS:
                shop.rows(service, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = current_user AND pid <> pg_backend_pid()")


def test_inventory_is_stopped_and_comes_back(stack: Stack, shop: Shop, load: Load) -> None:
    # Given that inventory is down, and nobody regrets anything
    load.regret = 0
    stack.stop_process("inventory")

    # Then orders are still accepted
    load.place(100)
    [[pending]] = shop.rows("order", "SELECT count(*) FROM orders WHERE status = 'pending'")
    assert pending >= 100

    # When it comes back, all of them settle (as the checker sees)
    stack.start_process("inventory")
