"""What the shipping service says: the Shipment aggregate."""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

from pydantic import Field

from common.contracts.orders import Address
from polder.contracts.event import Event, State, Value
from polder.contracts.types import Count, Key, Quantity, Text


class ShipmentStatus(StrEnum):
    PREPARED = "prepared"
    READY = "ready"
    DISPATCHED = "dispatched"
    DELIVERED = "delivered"
    CANCELLED = "cancelled"


class Package(Value):
    """All of one product: in how many parcels it goes, and what they weigh together. Neither is
    known without the product's weight."""

    product_id: Key = Field(examples=["p1"])
    quantity: Quantity = Field(examples=[2])
    parcels: Count | None = Field(default=None, examples=[1])
    weight_grams: Count | None = Field(default=None, examples=[2400])


class ShipmentState(State):
    """What goes to the customer of one order. Without a weight it cannot become ready."""

    order_id: UUID
    """The order that it is for; one order has one shipment, for good."""
    status: ShipmentStatus
    """How far it is; each event announces one."""
    shipping_address: Address
    packages: tuple[Package, ...]
    """One for each product of the order."""
    weight_grams: Count | None = Field(default=None, examples=[2400])
    """Of all packages; null while a product's weight is not known."""
    carrier: Text = ""
    """Who takes it; empty until it is dispatched."""
    tracking_number: Text = ""
    """The carrier's; empty until it is dispatched."""

    @property
    def subject(self) -> str:
        return str(self.order_id)


LEFT = {"carrier": "PostNL", "trackingNumber": "3S0000001"}  # for examples


class ShipmentEvent(Event):
    service = "shipping"
    aggregate = "shipment"
    data: ShipmentState


class ShipmentPrepared(ShipmentEvent):
    """It is packed, on paper; it waits for its stock, and for the weights that are not known."""

    status = ShipmentStatus.PREPARED


class ShipmentReady(ShipmentEvent):
    """Its stock is held and its weight known: it may be dispatched."""

    status = ShipmentStatus.READY


class ShipmentDispatched(ShipmentEvent):
    """It left; from now on its order cannot be cancelled."""

    status = ShipmentStatus.DISPATCHED
    example = LEFT


class ShipmentDelivered(ShipmentEvent):
    """The customer has it."""

    status = ShipmentStatus.DELIVERED
    example = LEFT


class ShipmentCancelled(ShipmentEvent):
    """It will never leave."""

    status = ShipmentStatus.CANCELLED
