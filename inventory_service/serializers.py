"""What the inventory service's API is sent and what it answers."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from pydantic import Field
from rest_framework import serializers

from common.contracts.inventory import ProductState, ReservationState, StockState
from inventory_service.models import Movement, Product, Reservation, Stock
from inventory_service.services import Changed
from polder.api.answers import AnswerWithoutRetired
from polder.api.body import Body
from polder.api.responses import ResponseSerializer
from polder.contracts.event import Value
from polder.contracts.types import LARGEST_COUNT, Key, Timestamp, Version

PRODUCT_ID = r"^[A-Za-z0-9][A-Za-z0-9._:~+-]{0,63}$"


class PriceIn(Body):
    amount = serializers.DecimalField(max_digits=12, decimal_places=2, min_value=0)
    currency = serializers.RegexField(
        r"^[A-Z]{3}$", error_messages={"invalid": "An ISO 4217 code of three capital letters."}
    )


class ProductIn(Body):
    productId = serializers.RegexField(
        PRODUCT_ID,
        error_messages={
            "invalid": "1 to 64 letters, digits or any of . _ : ~ + - after the first."
        },
    )
    name = serializers.CharField(max_length=200)
    price = PriceIn()
    weightGrams = serializers.IntegerField(
        min_value=0, max_value=LARGEST_COUNT, required=False, allow_null=True, default=None
    )

    def product(self) -> dict[str, Any]:
        """What `product_create` takes."""
        asked = self.validated_data
        return {
            "product_id": asked["productId"],
            "name": asked["name"],
            "price": asked["price"]["amount"],
            "currency": asked["price"]["currency"],
            "weight_grams": asked["weightGrams"],
        }


class ProductChangeIn(Body):
    name = serializers.CharField(max_length=200, required=False)
    price = PriceIn(required=False)
    weightGrams = serializers.IntegerField(
        min_value=0, max_value=LARGEST_COUNT, required=False, allow_null=True
    )

    def changes(self) -> dict[str, Any]:
        """By the names of the model's fields."""
        asked = self.validated_data
        price = asked.get("price")
        changes = {
            "name": asked.get("name"),
            "price": price and price["amount"],
            "currency": price and price["currency"],
        }
        given = {name: value for name, value in changes.items() if value is not None}
        return given | ({"weight_grams": asked["weightGrams"]} if "weightGrams" in asked else {})


class AdjustIn(Body):
    quantity = serializers.IntegerField(min_value=-LARGEST_COUNT, max_value=LARGEST_COUNT)
    reason = serializers.CharField(max_length=200)

    def validate_quantity(self, quantity: int) -> int:
        if quantity == 0:
            raise serializers.ValidationError("Nothing to adjust.")
        return quantity


class ReceiveIn(Body):
    quantity = serializers.IntegerField(min_value=1, max_value=LARGEST_COUNT)


class ProductOut(ProductState, StockState):
    """A product, and what there is of it."""

    version: Version


class ProductChangedOut(ProductOut):
    """A product after what was asked for."""

    event_id: UUID | None = Field(
        description="The event that announces it: ask a subscriber's /ops/applied/{eventId}. Null "
        "when nothing changed."
    )


class ReservationOut(AnswerWithoutRetired, ReservationState):
    """What an order got, or of which products there was too little."""

    version: Version
    created_at: Timestamp
    updated_at: Timestamp


class MovementOut(Value):
    """One change of stock: by how much, and why."""

    movement_id: int
    product_id: Key
    kind: Movement.Kind
    on_hand: int = Field(description="Change of what is on hand.")
    reserved: int = Field(description="Change of what is reserved.")
    cause: UUID = Field(description="The order, the receipt or the adjustment.")
    reason: str
    created_at: Timestamp


class ProductSerializer(ResponseSerializer):
    shape = ProductOut

    def build(self, product: Product) -> ProductOut:
        return ProductOut(**_product(product, product.stock))


class ProductChangedSerializer(ResponseSerializer):
    shape = ProductChangedOut

    def build(self, changed: Changed) -> ProductChangedOut:
        members = _product(changed.product, changed.stock)
        return ProductChangedOut(**members, event_id=changed.event_id)


class ReservationSerializer(ResponseSerializer):
    shape = ReservationOut

    def build(self, reservation: Reservation) -> ReservationOut:
        return ReservationOut(
            **dict(reservation.public_state()),
            version=reservation.version,
            created_at=reservation.created_at,
            updated_at=reservation.updated_at,
        )


class MovementSerializer(ResponseSerializer):
    shape = MovementOut

    def build(self, movement: Movement) -> MovementOut:
        return MovementOut(
            movement_id=movement.pk,
            product_id=movement.product_id,
            kind=Movement.Kind(movement.kind),
            on_hand=movement.on_hand,
            reserved=movement.reserved,
            cause=movement.cause,
            reason=movement.reason,
            created_at=movement.created_at,
        )


def _product(product: Product, stock: Stock) -> dict[str, Any]:
    states = dict(stock.public_state()) | dict(product.public_state())
    return states | {"version": product.version}
