"""Load: customers, a warehouse and a merchant, at work on a shop while a test disturbs it."""

from __future__ import annotations

import http.client
import random
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from tests.blackbox.shop import ADDRESS, CUSTOMER, Shop, until

PATIENCE = (
    90.0  # seconds that a customer repeats one request before giving up, which fails the test
)
LOW = 200  # available units, below which the merchant receives more


@dataclass
class Load:
    """Customers who order until told to stop, of whom some regret it, a warehouse that sends off
    what is ready, and, if asked for, a merchant who receives stock and changes products.

    A customer repeats a request that got no clear answer, with the same key; the others just look
    again.
    """

    shop: Shop
    seed: int = 1
    customers: int = 4
    pause: float = 0.04  # seconds between a customer's orders
    regret: float = 0.1  # of the orders, cancelled right after
    warehouse: bool = True
    merchant: bool = False
    products: Sequence[str] = ("p1", "p2", "p3", "p3", "p3", "p4", "p5")
    accepted: dict[str, str] = field(default_factory=dict)  # idempotency key -> order id
    patience: float = PATIENCE
    stopped: bool = False
    at_work: list[Future[None]] = field(default_factory=list)

    @contextmanager
    def flowing(self) -> Iterator[Load]:
        """Orders flow while the block runs; on leaving it, every order that was begun has been
        answered. Raises what a customer met."""
        self.stopped = False
        with ThreadPoolExecutor(self.customers + 2) as pool:
            self.at_work = [
                pool.submit(self._customer, random.Random(self.seed * 100 + number))
                for number in range(self.customers)
            ]
            if self.warehouse:
                self.at_work.append(pool.submit(self._send_off, random.Random(self.seed)))
            if self.merchant:
                self.at_work.append(pool.submit(self._trade, random.Random(self.seed)))
            try:
                yield self
            finally:
                self.stopped = True
            for worker in self.at_work:
                worker.result()

    def more(self, count: int) -> None:
        """Waits until so many more orders were accepted. Raises what a customer met."""
        before = len(self.accepted)
        until(
            lambda: len(self.accepted) - before >= count or any(c.done() for c in self.at_work),
            f"{count} more orders accepted",
            seconds=180,
        )
        for customer in self.at_work:
            if customer.done():
                customer.result()

    def place(self, count: int) -> None:
        """Places that many orders, or a few more, then returns."""
        with self.flowing():
            self.more(count)

    def _customer(self, chance: random.Random) -> None:
        while not self.stopped:
            key = str(uuid4())
            self.accepted[key] = self._insist(key, self._order(chance))
            if chance.random() < self.regret:
                with suppress(OSError, http.client.HTTPException):
                    self.shop.cancel(self.accepted[key])
            time.sleep(self.pause)

    def _send_off(self, chance: random.Random) -> None:
        while not self.stopped:
            time.sleep(0.1)
            with suppress(OSError, http.client.HTTPException):
                for status, act in (
                    ("ready", self.shop.dispatch),
                    ("dispatched", self.shop.deliver),
                ):
                    code, found = self.shop.get(
                        "shipping", f"/api/shipments/?status={status}&limit=50"
                    )
                    for shipment in found["results"] if code == 200 else []:
                        if chance.random() < 0.3 and not self.stopped:
                            act(shipment["shipmentId"])

    def _trade(self, chance: random.Random) -> None:
        while not self.stopped:
            time.sleep(0.2)
            product = chance.choice(self.products)
            with suppress(OSError, http.client.HTTPException):
                code, found = self.shop.get("inventory", f"/api/products/{product}/")
                if code != 200:
                    continue
                if found["available"] < LOW:
                    self.shop.post(
                        "inventory",
                        f"/api/products/{product}/receive/",
                        {"quantity": chance.randint(1, LOW)},
                    )
                elif chance.random() < 0.2:
                    self.shop.post(
                        "inventory",
                        f"/api/products/{product}/adjust/",
                        {"quantity": -1, "reason": "broken"},
                    )
                if chance.random() < 0.3:
                    price = {"amount": f"{chance.randint(100, 9900) / 100:.2f}", "currency": "EUR"}
                    self.shop.patch(
                        "inventory", f"/api/products/{product}/", {"price": price}, found["version"]
                    )

    def _insist(self, key: str, order: dict[str, Any]) -> str:
        deadline = time.monotonic() + self.patience
        answer: Any = None
        while time.monotonic() < deadline:
            try:
                status, answer = self.shop.post("order", "/api/orders/", order, key)
            except (OSError, http.client.HTTPException) as error:
                answer = error
            else:
                if status == 201:
                    return str(answer["orderId"])
                if status == 409 and answer["type"] == "/problems/carried-out-before/":
                    return str(answer["key"])
                assert status in (409, 500, 503), f"{status} {answer}"
            time.sleep(0.2)
        raise AssertionError(f"no order could be placed for {self.patience:.0f} s: {answer}")

    def _order(self, chance: random.Random) -> dict[str, Any]:
        products = chance.sample(sorted(set(self.products)), chance.randint(1, 2))
        lines = [{"productId": product, "quantity": chance.randint(1, 3)} for product in products]
        return {"customer": CUSTOMER, "shippingAddress": ADDRESS, "products": lines}
