"""Orders at a steady rate, each of them sent off and delivered once it is ready: as many leave the
shop as come in."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import uuid4

from tests.blackbox.shop import ADDRESS, CUSTOMER, Shop
from tests.chaos.soak.keep_alive import AWAY, KeepAlive

CUSTOMERS = 4
CARRIERS = 2
PRODUCTS = ("p1", "p2", "p3", "p4", "p5")
STOCK = 2_000_000  # of each product: nobody has to receive more meanwhile
PATIENCE = 60.0  # seconds that a customer repeats one request
PAGE = 100


@dataclass
class SteadyLoad:
    """`rate`: orders a second, of all customers together; it may be changed while they order. A
    request without a clear answer is repeated with the same key."""

    shop: Shop
    rate: float
    accepted: dict[str, str] = field(default_factory=dict)  # idempotency key -> order id
    behind: float = 0.0  # seconds that a customer is late, at most
    stopped: bool = False

    def stock_up(self) -> None:
        for product in PRODUCTS:
            status, answer = self.shop.post(
                "inventory", f"/api/products/{product}/receive/", {"quantity": STOCK}
            )
            assert status == 200, answer

    @contextmanager
    def flowing(self) -> Iterator[SteadyLoad]:
        """On leaving it, every order that was begun has been answered. Raises what a customer or a
        carrier met."""
        with ThreadPoolExecutor(CUSTOMERS + CARRIERS) as pool:
            at_work: list[Future[None]] = [
                pool.submit(self._order, number) for number in range(CUSTOMERS)
            ]
            at_work += [pool.submit(self._send_off, number) for number in range(CARRIERS)]
            try:
                yield self
            finally:
                self.stopped = True
            for worker in at_work:
                worker.result()

    def _order(self, number: int) -> None:
        http, due = KeepAlive(self.shop.variables), time.monotonic() + number * 0.01
        turn = number
        while not self.stopped:
            due += CUSTOMERS / self.rate
            late = time.monotonic() - due
            if late < 0:
                time.sleep(-late)
            # it never hurries to make up for what it missed: that would be another rate
            elif late > 1.0:
                due = time.monotonic()
            self.behind = max(late, 0.0)
            turn += 1
            key = str(uuid4())
            self.accepted[key] = self._insist(http, key, _order(turn))

    def _insist(self, http: KeepAlive, key: str, order: bytes) -> str:
        deadline = time.monotonic() + PATIENCE
        said: object = None
        while time.monotonic() < deadline:
            try:
                status, body = http.post("order", "/api/orders/", order, key)
            except AWAY as error:
                said = error
            else:
                if status == 201:
                    return str(json.loads(body)["orderId"])
                said = f"{status} {body[:200]!r}"
            time.sleep(0.2)
        raise AssertionError(f"no order could be placed for {PATIENCE:.0f} s: {said}")

    def _send_off(self, number: int) -> None:
        """The one dispatches what is ready, the other delivers what was dispatched."""
        http = KeepAlive(self.shop.variables)
        status, act, body = (
            ("ready", "dispatch", b'{"carrier": "PostNL", "trackingNumber": "3S1"}'),
            ("dispatched", "deliver", b"{}"),
        )[number]
        while not self.stopped:
            try:
                found = http.get("shipping", f"/api/shipments/?status={status}&limit={PAGE}")
                shipments = found["results"] if found else []
                for shipment in shipments:
                    http.post("shipping", f"/api/shipments/{shipment['shipmentId']}/{act}/", body)
            except AWAY:
                shipments = []
            if len(shipments) < PAGE // 2:
                time.sleep(0.5)


def _order(turn: int) -> bytes:
    lines = [
        {"productId": PRODUCTS[(turn + line) % len(PRODUCTS)], "quantity": 1 + line}
        for line in range(1 + turn % 2)
    ]
    return json.dumps(
        {"customer": CUSTOMER, "shippingAddress": ADDRESS, "products": lines}
    ).encode()
