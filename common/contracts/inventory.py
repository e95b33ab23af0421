"""What the inventory service says: the Product, Stock and Reservation aggregates."""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

from common.contracts.money import Money
from polder.contracts.event import Event, State, Value
from polder.contracts.types import Count, Key, Quantity, Text


class ProductState(State):
    product_id: Key
    name: Text
    price: Money
    weight_grams: Count | None = None

    @property
    def subject(self) -> str:
        return self.product_id


class ProductEvent(Event):
    service = "inventory"
    aggregate = "product"
    data: ProductState


class ProductCreated(ProductEvent):
    """A product can be ordered from now on."""


class ProductChanged(ProductEvent):
    """Its name, price or weight changed."""


class ProductRetired(ProductEvent):
    """It can no longer be ordered."""


class StockState(State):
    """`available` is what is on hand and not reserved."""

    product_id: Key
    on_hand: Count
    reserved: Count
    available: Count

    @property
    def subject(self) -> str:
        return self.product_id


class StockEvent(Event):
    service = "inventory"
    aggregate = "stock"
    data: StockState


class StockChanged(StockEvent):
    """What there is of a product changed; at most one event per product and transaction."""


class ReservationStatus(StrEnum):
    HELD = "held"
    REJECTED = "rejected"
    CONSUMED = "consumed"
    RELEASED = "released"


class ReservedLine(Value):
    product_id: Key
    quantity: Quantity


class Shortage(Value):
    """A product of which less was available than ordered; an unknown or retired one has nothing
    available."""

    product_id: Key
    quantity: Quantity
    available: Count


class ReservationState(State):
    """All lines of one order, held together or not at all."""

    order_id: UUID
    status: ReservationStatus
    products: tuple[ReservedLine, ...]
    shortages: tuple[Shortage, ...] = ()

    @property
    def subject(self) -> str:
        return str(self.order_id)


class ReservationEvent(Event):
    service = "inventory"
    aggregate = "reservation"
    data: ReservationState


class StockReserved(ReservationEvent):
    """Every line of the order is held for it."""

    status = ReservationStatus.HELD


class StockRejected(ReservationEvent):
    """At least one line was short, so nothing is held."""

    status = ReservationStatus.REJECTED


class StockReleased(ReservationEvent):
    """What was held is available again."""

    status = ReservationStatus.RELEASED


class StockConsumed(ReservationEvent):
    """What was held left the building."""

    status = ReservationStatus.CONSUMED
