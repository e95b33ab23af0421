"""How shipments stand, as their tests ask it."""

from __future__ import annotations

from uuid import UUID

from common.contracts.shipping import ShipmentEvent
from polder.testing import published
from shipping_service.models import Shipment


def status_of(order_id: UUID) -> str | None:
    shipment = Shipment.objects.filter(pk=order_id).first()
    return shipment.status if shipment else None


def assert_told(order_id: UUID) -> None:
    """Every version was told, in order, the last as it is."""
    events = published(ShipmentEvent, subject=order_id)
    assert [event.aggregateversion for event in events] == list(range(1, len(events) + 1))
    shipment = Shipment.objects.get(pk=order_id)
    assert (events[-1].aggregateversion, events[-1].data) == (
        shipment.version,
        shipment.public_state(),
    )
