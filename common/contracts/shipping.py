"""What the shipping service says: the Shipment aggregate."""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

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

    product_id: Key
    quantity: Quantity
    parcels: Count | None = None
    weight_grams: Count | None = None


class ShipmentState(State):
    """What goes to the customer of one order. Without a weight it cannot become ready."""

    order_id: UUID
    status: ShipmentStatus
    shipping_address: Address
    packages: tuple[Package, ...]
    weight_grams: Count | None = None
    carrier: Text = ""
    tracking_number: Text = ""

    @property
    def subject(self) -> str:
        return str(self.order_id)


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


class ShipmentDelivered(ShipmentEvent):
    """The customer has it."""

    status = ShipmentStatus.DELIVERED


class ShipmentCancelled(ShipmentEvent):
    """It will never leave."""

    status = ShipmentStatus.CANCELLED
