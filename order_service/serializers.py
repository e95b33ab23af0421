"""What the order service's API is sent and what it answers."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from pydantic import Field
from rest_framework import serializers

from common.contracts.inventory import ReservationStatus, Shortage
from common.contracts.money import Money
from common.contracts.orders import OrderState, OrderStatus
from common.contracts.shipping import ShipmentStatus
from polder.api.answers import AnswerWithoutRetired
from polder.api.body import Body
from polder.contracts.event import Value
from polder.contracts.types import LARGEST_COUNT, Count, Key, Text, Timestamp, Version

MOST_LINES = 100


class CustomerIn(Body):
    name = serializers.CharField(max_length=200)
    email = serializers.EmailField(max_length=254)


class AddressIn(Body):
    line1 = serializers.CharField(max_length=200)
    postalCode = serializers.CharField(max_length=20)
    city = serializers.CharField(max_length=100)
    country = serializers.RegexField(
        r"^[A-Z]{2}$", error_messages={"invalid": "An ISO 3166-1 code of two capital letters."}
    )


class LineIn(Body):
    productId = serializers.CharField(max_length=64)
    quantity = serializers.IntegerField(min_value=1, max_value=LARGEST_COUNT)


class OrderIn(Body):
    customer = CustomerIn()
    shippingAddress = AddressIn()
    products = LineIn(many=True, allow_empty=False, max_length=MOST_LINES)  # type: ignore[call-arg]

    def validate_products(self, lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if len({line["productId"] for line in lines}) < len(lines):
            raise serializers.ValidationError("A product may be named once; add up its quantities.")
        return lines


class OrderAcceptedOut(Value):
    """What was asked for is written down; what comes of it is told at the address in `Location`."""

    order_id: UUID
    status: OrderStatus
    event_id: UUID = Field(
        description="The event that tells of it: ask a subscriber's /ops/applied/{eventId}."
    )


class KnownReservation(Value):
    """What inventory has said of the order's stock."""

    status: ReservationStatus
    shortages: tuple[Shortage, ...]
    synced_at: Timestamp


class KnownShipment(Value):
    """What shipping has said of the order's shipment."""

    status: ShipmentStatus
    carrier: str
    tracking_number: str
    synced_at: Timestamp


class OrderOut(AnswerWithoutRetired, OrderState):
    """An order, with what is known of its reservation and its shipment."""

    version: Version
    created_at: Timestamp
    updated_at: Timestamp
    flagged_at: Timestamp | None = Field(description="When it had been undecided for too long.")
    reservation: KnownReservation | None
    shipment: KnownShipment | None


class OrderableProductOut(Value):
    """A product as the local copy has it. `syncedAt` tells how fresh that is."""

    product_id: Key
    name: Text
    price: Money
    weight_grams: Count | None
    available: Count | None = Field(description="Null while nothing was heard of its stock.")
    version: Version
    synced_at: Timestamp
