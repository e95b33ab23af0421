"""What every step of the story has at hand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from uuid import uuid4

from demo.following import Following
from demo.interruption import Debts
from demo.processes import Processes
from demo.teller import Teller
from outside.shop import Shop, until

# Of the demo alone, so that nothing else is ordered away under it. Each run receives more of them.
KETTLE, LAMP = "demo-kettle", "demo-lamp"
PATIENCE = 60.0  # seconds that the shop may take for what should take milliseconds, on however slow a machine


@dataclass(frozen=True)
class Stage:
    shop: Shop
    processes: Processes
    teller: Teller
    debts: Debts

    @contextmanager
    def request(self) -> Iterator[tuple[Shop, Following]]:
        """A shop for one request, and what follows from it, event by event."""
        correlation_id = str(uuid4())
        with Following.of(self.shop, correlation_id, self.teller) as following:
            yield replace(self.shop, correlation_id=correlation_id), following

    def place_ready(self, **products: int) -> str:
        """An order, followed until its stock is held and its shipment may leave."""
        with self.request() as (shop, following):
            order_id = shop.place(**products)
            following.until(lambda: self.shop.statuses(order_id) == ("confirmed", "held", "ready"), "the stock is held and the shipment ready")
        return order_id

    def wait(self, order_id: str, *statuses: str | None) -> None:
        """Until order, reservation and shipment have come to these."""
        with self.teller.turning(" / ".join(status or "-" for status in statuses)):
            until(lambda: self.shop.statuses(order_id) == statuses, f"order {order_id} is {statuses}", PATIENCE)

    def ended(self, order_id: str) -> None:
        """How each of the three services has the order now."""
        order, reservation, shipment = self.shop.statuses(order_id)
        self.teller.line(f"order {order_id}: {order}; its reservation: {reservation}; its shipment: {shipment}")
