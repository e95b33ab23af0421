"""The net: what a wake-up missed is found a minute later."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from common.inbox import settling
from common.inbox.settling import settle_overdue
from common.testing import deliver, reservation_event
from order_service.models import Order, Reservation
from order_service.services import Line
from order_service.tests.test_placing import place


def test_a_decided_order_that_nobody_noticed(catalogue: None, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given
    order_id = place(Line("p1", 1)).order.pk
    with monkeypatch.context() as patch:
        patch.setattr(settling, "settlings", [])
        deliver(reservation_event(order_id=order_id))
    assert Order.objects.get().status == "pending"

    # When it is looked for too early, and in time
    assert settle_overdue() == {"settle_orders": 0}
    Reservation.objects.update(synced_at=timezone.now() - timedelta(minutes=2))
    assert settle_overdue() == {"settle_orders": 1}

    # Then
    assert Order.objects.get().status == "confirmed"
    assert settle_overdue() == {"settle_orders": 0}


def test_what_waits_for_inventory_is_left_alone(catalogue: None) -> None:
    place(Line("p1", 1))
    Order.objects.update(created_at=timezone.now() - timedelta(days=1))

    assert settle_overdue() == {"settle_orders": 0}
