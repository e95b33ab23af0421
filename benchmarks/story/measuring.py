"""One load on one shop: from the first `POST` until the last effect, and what it took."""

from __future__ import annotations

import math
import time
from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

import psutil

from benchmarks.percentiles import percentile
from benchmarks.story.customers import Customers, Load
from deploy.local.stack import Stack
from tests.blackbox.shop import Shop, until

AIM = 250.0  # ms from the POST to the confirmation, for 95 % of the orders
DRAINED_SECONDS = 1800.0  # the usual way takes orders faster than it confirms them

# How many orders have had all of their effects, by the tables that every contender fills: what the
# service decides, and its copies of what the others decided.
_DONE = {
    "order": """SELECT count(*) FROM orders JOIN replica_reservation AS r ON r.key = orders.id
        JOIN replica_shipment AS s ON s.key = orders.id
        WHERE orders.status = 'confirmed' AND r.status = 'held' AND s.status = 'ready'""",
    "inventory": """SELECT count(*) FROM inventory_reservation AS r
        JOIN replica_order AS o ON o.key = r.order_id JOIN replica_shipment AS s ON s.key = o.key
        WHERE r.status = 'held' AND o.status = 'confirmed' AND s.status = 'ready'""",
    "shipping": """SELECT count(*) FROM shipping_shipment AS s
        JOIN replica_order AS o ON o.key = s.order_id JOIN replica_reservation AS r ON r.key = o.key
        WHERE s.status = 'ready' AND o.status = 'confirmed' AND r.status = 'held'""",
}
_RESERVED = {
    "inventory": """SELECT sum(reserved)::int FROM inventory_stock
        HAVING sum(reserved) = (SELECT sum(reserved) FROM inventory_movement)""",
    "order": "SELECT sum(reserved)::int FROM replica_stock",
}
_DELIVERED = "SELECT count(*) FROM orders WHERE status = 'delivered'"
_ORDERS = "SELECT count(*) FROM orders"


@dataclass(frozen=True)
class Figures:
    accepted: float  # orders/s while customers ordered
    done: float  # orders/s from the first POST until the last effect
    p50: float  # ms from when the POST began, or was due, until the order was seen confirmed
    p95: float  # inf when more than 5 % were due and never sent
    milliseconds: Mapping[str, float]  # of processor time per order, by process
    customers: float  # the same, of the load itself

    @property
    def total(self) -> float:
        return sum(self.milliseconds.values())

    @property
    def holds(self) -> bool:
        return self.p95 < AIM


def measure(
    stack: Stack, shop: Shop, customers: Customers, load: Load, seconds: float, warehouse: bool
) -> Figures:
    """Raises Unexpected when an effect is missing: the figures would not count."""
    customers.forget()
    before, own, begun = spent(stack), time.process_time(), time.time()
    customers.order(load, seconds)
    until(lambda: customers.waiting == 0, "every order is decided", seconds=DRAINED_SECONDS)
    check(shop, {"order": _DELIVERED} if warehouse else _DONE)
    took, own, after = time.time() - begun, time.process_time() - own, spent(stack)
    orders = len(customers.due)
    lags = [(customers.confirmed[one] - due) * 1000 for one, due in customers.due.items()]
    lags += [math.inf] * (math.ceil(load.rate * seconds) - orders)
    return Figures(
        orders / seconds,
        orders / took,
        percentile(lags, 50),
        percentile(lags, 95),
        {name: (after[name] - before.get(name, 0.0)) * 1000 / orders for name in after},
        own * 1000 / orders,
    )


def check(shop: Shop, done: Mapping[str, str]) -> None:
    """Every order has all of its effects, each once. Raises Unexpected."""
    orders = int(shop.rows("order", _ORDERS)[0][0])
    _wait_for(shop, done, orders)
    if done is _DONE:
        _wait_for(shop, _RESERVED, 2 * orders)


def _wait_for(shop: Shop, queries: Mapping[str, str], wanted: int) -> None:
    for service, query in queries.items():
        what = f"{service}: {wanted} of {query}"
        until(partial(_is, shop, service, query, wanted), what, DRAINED_SECONDS, every=0.1)


def _is(shop: Shop, service: str, query: str, wanted: int) -> bool:
    return shop.rows(service, query) == [(wanted,)]


def spent(stack: Stack) -> dict[str, float]:
    """Seconds of processor time by process, each with all that it has begun."""
    found: dict[str, float] = defaultdict(float)
    for view in stack.processes():
        if view.pid is None or view.name == "epmd":
            continue
        first = psutil.Process(view.pid)
        for process in [first, *first.children(recursive=True)]:
            with suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                # of those that have ended, too: Celery's tasks close their connections
                found[_kind(view.name)] += sum(times[:4])
    return found


def _kind(name: str) -> str:
    """Of a service's processes each by itself; those of one role that do little together."""
    role = name.rpartition("-")[2]
    return role if role in ("relay", "housekeeper", "beat") else name
