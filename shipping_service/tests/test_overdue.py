"""The net: what a wake-up missed is found a minute later."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from common.contracts.event import Event
from common.contracts.orders import OrderCancelRequested
from common.inbox import settling
from common.inbox.settling import settle_overdue
from common.testing import deliver, order_event, reservation_event
from shipping_service.models import Order, Reservation, Shipment


def unnoticed(monkeypatch: pytest.MonkeyPatch, *events: Event) -> None:
    """They arrive, and nobody is woken."""
    with monkeypatch.context() as patch:
        patch.setattr(settling, "settlings", [])
        deliver(*events)


def a_minute_later() -> None:
    for model in (Order, Reservation):
        model.objects.update(synced_at=timezone.now() - timedelta(minutes=2))


@pytest.mark.parametrize("missed", ["order", "reservation", "cancel"])
def test_found_a_minute_later(catalogue: None, monkeypatch: pytest.MonkeyPatch, missed: str) -> None:
    # Given
    order = order_event()
    rest = {
        "reservation": reservation_event(order_id=order.data.order_id),
        "cancel": order_event(OrderCancelRequested, order_id=order.data.order_id, version=2),
    }
    if missed == "order":
        unnoticed(monkeypatch, order)
    else:
        deliver(order)
        unnoticed(monkeypatch, rest[missed])

    # When it is looked for too early, and in time
    assert settle_overdue() == {"settle_shipments": 0}
    a_minute_later()
    assert settle_overdue() == {"settle_shipments": 1}

    # Then
    assert Shipment.objects.get().status == {"order": "prepared", "reservation": "ready", "cancel": "cancelled"}[missed]
    assert settle_overdue() == {"settle_shipments": 0}
