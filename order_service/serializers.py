"""What the order service's API is sent and what it answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from pydantic import Field
from rest_framework import serializers

from common.contracts.inventory import ReservationStatus, Shortage
from common.contracts.money import Money
from common.contracts.orders import Address, Customer, OrderState, OrderStatus
from common.contracts.shipping import ShipmentStatus
from order_service.models import Order, Product
from order_service.selectors import reservations_of, shipments_of, stock_of
from order_service.services import Accepted, Line
from polder.api.answers import AnswerWithoutRetired
from polder.api.body import Body
from polder.api.responses import ResponseSerializer
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

    def order(self) -> dict[str, Any]:
        """What `order_place` takes."""
        asked = self.validated_data
        return {
            "customer": Customer.named(**asked["customer"]),
            "address": Address.model_validate(asked["shippingAddress"]),
            "lines": [Line(line["productId"], line["quantity"]) for line in asked["products"]],
        }

    def validate_products(self, lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if len({line["productId"] for line in lines}) < len(lines):
            raise serializers.ValidationError("A product may be named once; add up its quantities.")
        return lines


class OrderAcceptedOut(Value):
    """What was asked for is written down; what comes of it is told at the address in `Location`."""

    order_id: UUID
    status: OrderStatus
    event_id: UUID = Field(
        description="The event that announces it: ask a subscriber's /ops/applied/{eventId}."
    )


class KnownReservation(Value, from_attributes=True):
    """What inventory has said of the order's stock."""

    status: ReservationStatus
    shortages: tuple[Shortage, ...]
    synced_at: Timestamp


class KnownShipment(Value, from_attributes=True):
    """What shipping has said of the order's shipment."""

    status: ShipmentStatus
    carrier: str
    tracking_number: str
    synced_at: Timestamp


class CustomerOut(Customer):
    """Who ordered, as they said."""

    name: Text
    """As it was given."""


class OrderOut(AnswerWithoutRetired, OrderState):
    """An order, with what is known of its reservation and its shipment."""

    customer: CustomerOut
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


class OrderAcceptedSerializer(ResponseSerializer):
    shape = OrderAcceptedOut

    def build(self, accepted: Accepted) -> OrderAcceptedOut:
        return OrderAcceptedOut(
            order_id=accepted.order.pk,
            status=OrderStatus(accepted.order.status),
            event_id=accepted.event_id,
        )


class OrderSerializer(ResponseSerializer):
    shape = OrderOut

    def prepare(self, orders: Sequence[Order]) -> None:
        keys = [order.pk for order in orders]
        self.reservations, self.shipments = reservations_of(keys), shipments_of(keys)

    def build(self, order: Order) -> OrderOut:
        reservation, shipment = self.reservations.get(order.pk), self.shipments.get(order.pk)
        state = dict(order.public_state())
        customer = CustomerOut(name=order.customer_name, **dict(state.pop("customer")))
        return OrderOut(
            **state,
            customer=customer,
            version=order.version,
            created_at=order.created_at,
            updated_at=order.updated_at,
            flagged_at=order.flagged_at,
            reservation=KnownReservation.model_validate(reservation) if reservation else None,
            shipment=KnownShipment.model_validate(shipment) if shipment else None,
        )


class OrderableProductSerializer(ResponseSerializer):
    shape = OrderableProductOut

    def prepare(self, products: Sequence[Product]) -> None:
        self.stock = stock_of([product.key for product in products])

    def build(self, product: Product) -> OrderableProductOut:
        stock = self.stock.get(product.key)
        return OrderableProductOut(
            product_id=product.key,
            name=product.name,
            price=Money(amount=product.price, currency=product.currency),
            weight_grams=product.weight_grams,
            available=stock.available if stock else None,
            version=product.version,
            synced_at=product.synced_at,
        )
