"""What the inventory service says: the Product, Stock and Reservation aggregates."""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

from pydantic import Field

from common.contracts.money import Money
from polder.contracts.event import Event, State, Value
from polder.contracts.types import Count, Key, Quantity, Text


class ProductState(State):
    """What can be ordered, and at which price. A retired one cannot."""

    product_id: Key = Field(examples=["p1"])
    name: Text = Field(examples=["Rubber boots"])
    price: Money
    """Of one piece, from now on; an order keeps the price that it was placed at."""
    weight_grams: Count | None = Field(default=None, examples=[1200])
    """Of one piece; without it no shipment of it becomes ready."""

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
    """What there is of one product."""

    product_id: Key = Field(examples=["p1"])
    on_hand: Count = Field(examples=[40])
    """In the building."""
    reserved: Count = Field(examples=[2])
    """Held for orders that have not left."""
    available: Count = Field(examples=[38])
    """What is on hand and not reserved."""

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
    """One product of the order, and how much of it is held."""

    product_id: Key = Field(examples=["p1"])
    quantity: Quantity = Field(examples=[2])


class Shortage(Value):
    """A product of which less was available than ordered; an unknown or retired one has nothing
    available."""

    product_id: Key
    quantity: Quantity
    """As ordered."""
    available: Count
    """When it was decided."""


class ReservationState(State):
    """All lines of one order, held together or not at all."""

    order_id: UUID
    """The order that it is for; one order has one reservation, for good."""
    status: ReservationStatus
    """What became of it; each event announces one."""
    products: tuple[ReservedLine, ...]
    """The lines as ordered."""
    shortages: tuple[Shortage, ...] = ()
    """Why it was rejected; empty otherwise."""

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
    example = {"shortages": [{"productId": "p1", "quantity": 2, "available": 1}]}


class StockReleased(ReservationEvent):
    """What was held is available again."""

    status = ReservationStatus.RELEASED


class StockConsumed(ReservationEvent):
    """What was held left the building."""

    status = ReservationStatus.CONSUMED
