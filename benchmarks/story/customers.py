"""Customers who order two lines each, in a closed or an open loop, and when each order was seen
confirmed."""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event, Thread

import psycopg

from benchmarks.story.connection import Connection
from tests.blackbox.shop import ADDRESS, CUSTOMER, expect

LOOK_SECONDS = 0.01  # so much later, at most, a confirmation is seen
LOOKED_FOR = 500  # the oldest that wait, at each look
CONNECTIONS = 64  # of an open loop; an order that finds none free is late
LATEST = 5.0  # seconds after the end, an order that was due is not sent any more
PATIENCE = 120.0  # seconds until a customer gives up waiting for a confirmation

_DECIDED = "SELECT id::text FROM orders WHERE id = ANY(%s::uuid[]) AND status <> 'pending'"


@dataclass(frozen=True)
class Load:
    """`rate` orders a second whatever the answers take, or else `customers` who order again as soon
    as they are answered, or confirmed."""

    customers: int = 8
    rate: float = 0.0
    until_confirmed: bool = False

    def __str__(self) -> str:
        until = "confirmed" if self.until_confirmed else "answered"
        return f"{self.customers} customers who order again when {until}"


@dataclass
class Customers:
    """`connect` opens a connection to the order service. Times are those of `time.time()`."""

    connect: Callable[[], Connection]
    products: Sequence[str]
    due: dict[str, float] = field(default_factory=dict)  # by order
    confirmed: dict[str, float] = field(default_factory=dict)
    _waiting: dict[str, Event] = field(default_factory=dict)

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def forget(self) -> None:
        """What was ordered until now is not counted."""
        self.due, self.confirmed = {}, {}

    def order(self, load: Load, seconds: float) -> None:
        """Orders that long; returns when all are answered. Raises what a customer met."""
        begun, numbers = time.time(), itertools.count()
        end = begun + seconds
        count = CONNECTIONS if load.rate else load.customers

        def customer() -> None:
            if load.rate:
                self._open(begun, end, load.rate, numbers)
            else:
                self._closed(end, load.until_confirmed)

        with ThreadPoolExecutor(count) as pool:
            for one in [pool.submit(customer) for _ in range(count)]:
                one.result()

    def _closed(self, end: float, until_confirmed: bool) -> None:
        service, chance = self.connect(), random.Random()
        while (now := time.time()) < end:
            confirmation = self._place(service, chance, now)
            if until_confirmed:
                confirmation.wait(PATIENCE)

    def _open(self, begun: float, end: float, rate: float, numbers: Iterator[int]) -> None:
        service, chance = self.connect(), random.Random()
        while (due := begun + next(numbers) / rate) < end:
            if time.time() > end + LATEST:
                return
            time.sleep(max(0.0, due - time.time()))
            self._place(service, chance, due)

    def _place(self, service: Connection, chance: random.Random, due: float) -> Event:
        lines = [{"productId": one, "quantity": 1} for one in chance.sample(self.products, 2)]
        order = {"customer": CUSTOMER, "shippingAddress": ADDRESS, "products": lines}
        order_id = expect(service.post("/api/orders/", order), 201)["orderId"]
        self.due[order_id] = due
        confirmation = self._waiting[order_id] = Event()
        return confirmation

    @contextmanager
    def watched(self, database_url: str) -> Iterator[None]:
        """Meanwhile, one thread looks in the order service's database for all customers."""
        stopped = Event()
        thread = Thread(target=self._watch, args=(database_url, stopped), daemon=True)
        thread.start()
        try:
            yield
        finally:
            stopped.set()
            thread.join()

    def _watch(self, database_url: str, stopped: Event) -> None:
        by_index = "-c enable_seqscan=off"  # planned once, while there are few orders
        with psycopg.connect(
            database_url, autocommit=True, prepare_threshold=1, options=by_index
        ) as database:
            while not stopped.wait(LOOK_SECONDS):
                if not (waiting := list(self._waiting)[:LOOKED_FOR]):
                    continue
                for (order_id,) in database.execute(_DECIDED, [waiting]).fetchall():
                    self.confirmed[order_id] = time.time()
                    self._waiting.pop(order_id).set()
