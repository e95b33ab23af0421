"""What the shipping service's API is sent and what it answers."""

from __future__ import annotations

from uuid import UUID

from pydantic import Field
from rest_framework import serializers

from common.contracts.shipping import ShipmentState
from polder.api.answers import AnswerWithoutRetired
from polder.api.body import Body
from polder.api.responses import ResponseSerializer
from polder.contracts.types import Key, Timestamp, Version
from shipping_service.models import Shipment
from shipping_service.services import Moved


class DispatchIn(Body):
    carrier = serializers.CharField(max_length=100)
    trackingNumber = serializers.CharField(max_length=100)


class ShipmentOut(AnswerWithoutRetired, ShipmentState):
    """What goes to the customer of one order."""

    shipment_id: UUID = Field(description="The same as the order's.")
    unweighed: tuple[Key, ...] = Field(
        description="The products whose weight is not known; without it a shipment does not become "
        "ready."
    )
    version: Version
    created_at: Timestamp
    updated_at: Timestamp


class ShipmentMovedOut(ShipmentOut):
    """A shipment after what was asked for."""

    event_id: UUID = Field(
        description="The event that announces it: ask a subscriber's /ops/applied/{eventId}."
    )


class ShipmentSerializer(ResponseSerializer):
    shape = ShipmentOut

    def build(self, shipment: Shipment) -> ShipmentOut:
        return ShipmentOut(
            **dict(shipment.public_state()),
            shipment_id=shipment.pk,
            unweighed=tuple(shipment.unweighed),
            version=shipment.version,
            created_at=shipment.created_at,
            updated_at=shipment.updated_at,
        )


class ShipmentMovedSerializer(ResponseSerializer):
    shape = ShipmentMovedOut

    def build(self, moved: Moved) -> ShipmentMovedOut:
        shipment = ShipmentSerializer().build(moved.shipment)
        return ShipmentMovedOut(**dict(shipment), event_id=moved.event_id)
