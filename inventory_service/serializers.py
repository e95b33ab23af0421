"""What the inventory service's API is sent and what it answers."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from pydantic import Field
from rest_framework import serializers

from common.contracts.inventory import ProductState, ReservationState, StockState
from inventory_service.models import Movement
from polder.api.answers import AnswerWithoutRetired
from polder.api.body import Body
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
        description="The event that tells of it: ask a subscriber's /ops/applied/{eventId}. Null "
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
