"""A shop: its addresses and databases, whoever started it, and what a customer and a merchant do
with it."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import psycopg

from tests.blackbox.copies import SUBSCRIPTIONS

STATUS_OF = {
    "order": "/api/orders/{}/",
    "inventory": "/api/reservations/{}/",
    "shipping": "/api/shipments/{}/",
}
OWNERS = tuple(SUBSCRIPTIONS)
EVER = UUID(int=0)  # before the key of any event
ADDRESS = {"line1": "Dijk 1", "postalCode": "2611 AB", "city": "Delft", "country": "NL"}
CUSTOMER = {"name": "Ada Waterman", "email": "ada@example.org"}


class Unexpected(AssertionError):
    """The shop did something else than it should have, or did not do it in time."""


@dataclass(frozen=True)
class Shop:
    """`variables` are those of `.run/stack.env`. With a `correlation_id`, every request carries it,
    and so do all events that it leads to; a `traceparent` likewise."""

    variables: dict[str, str]
    correlation_id: str | None = None
    traceparent: str | None = None

    @contextmanager
    def database(self, service: str) -> Iterator[psycopg.Connection[Any]]:
        """A connection in autocommit, with the rights of the service itself."""
        with psycopg.connect(
            self.variables[f"{service.upper()}_DATABASE_URL"], autocommit=True
        ) as connection:
            yield connection

    def rows(self, service: str, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        with self.database(service) as connection:
            return connection.execute(sql, parameters or None).fetchall()

    def post(
        self, service: str, path: str, body: object, key: str | None = None
    ) -> tuple[int, Any]:
        """One POST with an Idempotency-Key; status and decoded body. Raises OSError or
        HTTPException when there was no answer."""
        return self._request(
            "POST", service, path, json.dumps(body), {"Idempotency-Key": key or str(uuid4())}
        )

    def get(self, service: str, path: str) -> tuple[int, Any]:
        return self._request("GET", service, path, None, {})

    def patch(self, service: str, path: str, body: object, version: int) -> tuple[int, Any]:
        """One PATCH of what is at that version."""
        return self._request("PATCH", service, path, json.dumps(body), {"If-Match": f'"{version}"'})

    def place(self, **products: int) -> str:
        """An order by the customer Ada; its id, once it is accepted."""
        lines = [
            {"productId": product, "quantity": quantity} for product, quantity in products.items()
        ]
        order = {"customer": CUSTOMER, "shippingAddress": ADDRESS, "products": lines}
        return str(expect(self.post("order", "/api/orders/", order), 201)["orderId"])

    def place_ready(self, **products: int) -> str:
        """An order whose shipment may leave."""
        order_id = self.place(**products)
        self.wait_for("shipping", order_id, "ready")
        self.wait_for("order", order_id, "confirmed")
        return order_id

    def cancel(self, order_id: str) -> tuple[int, Any]:
        return self.post("order", f"/api/orders/{order_id}/cancel/", {})

    def dispatch(self, order_id: str) -> tuple[int, Any]:
        return self.post(
            "shipping",
            f"/api/shipments/{order_id}/dispatch/",
            {"carrier": "PostNL", "trackingNumber": f"3S{order_id[-8:]}"},
        )

    def deliver(self, order_id: str) -> tuple[int, Any]:
        return self.post("shipping", f"/api/shipments/{order_id}/deliver/", {})

    def statuses(self, order_id: str) -> tuple[str | None, str | None, str | None]:
        """Of the order, its reservation and its shipment, each as its owner has it."""
        found = [
            self.get(service, STATUS_OF[service].format(order_id))
            for service in ("order", "inventory", "shipping")
        ]
        order, reservation, shipment = (
            body["status"] if status == 200 else None for status, body in found
        )
        return order, reservation, shipment

    def wait_for(self, service: str, order_id: str, status: str, seconds: float = 20.0) -> None:
        """Until the service's part of the order has come to the status."""

        def look() -> bool:
            code, body = self.get(service, STATUS_OF[service].format(order_id))
            return code == 200 and body["status"] == status

        until(look, f"{service}: {order_id} is {status}", seconds)

    def new_product(self, *, weight: int | None, on_hand: int) -> str:
        """A product of its own, once the order service and shipping know it."""
        product_id = f"t-{uuid4().hex[:8]}"
        product = {
            "productId": product_id,
            "name": "Tent peg",
            "price": {"amount": "1.50", "currency": "EUR"},
            "weightGrams": weight,
        }
        expect(self.post("inventory", "/api/products/", product), 201)
        if on_hand:
            expect(
                self.post(
                    "inventory", f"/api/products/{product_id}/receive/", {"quantity": on_hand}
                ),
                200,
            )
        for service in ("order", "shipping"):
            known = partial(
                self.rows, service, "SELECT FROM replica_product WHERE key = %s", product_id
            )
            until(known, f"{product_id} reaches {service}")
        return product_id

    def _request(
        self, method: str, service: str, path: str, body: str | None, headers: dict[str, str]
    ) -> tuple[int, Any]:
        address = urlsplit(self.variables[f"{service.upper()}_URL"])
        connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=20)
        try:
            always = {
                "Authorization": f"Api-Key {self.variables['API_KEY']}",
                "Content-Type": "application/json",
            }
            causes = {"X-Correlation-ID": self.correlation_id, "traceparent": self.traceparent}
            cause = {name: value for name, value in causes.items() if value}
            connection.request(method, path, body, always | cause | headers)
            response = connection.getresponse()
            content = response.read()
            return response.status, json.loads(content) if content else None
        finally:
            connection.close()


def expect(answer: tuple[int, Any], *statuses: int) -> Any:
    """The body of an answer with one of these statuses. Raises Unexpected for any other."""
    status, body = answer
    if status not in statuses:
        raise Unexpected(f"answered {status} instead of {' or '.join(map(str, statuses))}: {body}")
    return body


def duplicates(shop: Shop) -> int:
    """Deliveries of events that had been processed before, in all services together."""
    sql = (
        "SELECT coalesce(sum(count), 0)::bigint FROM polder_inbox_deliverycount WHERE outcome = "
        "'duplicate'"
    )
    return sum(shop.rows(service, sql)[0][0] for service in OWNERS)


def until(
    condition: Callable[[], object], what: str, seconds: float = 120.0, every: float = 0.05
) -> None:
    """Polls until the condition holds. Raises Unexpected naming `what` when it does not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise Unexpected(f"not within {seconds:.0f} s: {what}")
        time.sleep(every)
