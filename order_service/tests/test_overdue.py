"""Periodic reconciliation: what a wake-up missed is found a minute later."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from order_service.models import Order, Reservation
from order_service.rules import RULES
from order_service.selectors import orders_past_deadline, orders_to_flag
from order_service.services import Line
from order_service.tests.test_placing import place
from polder.outbox.guard.bypass import unguarded
from polder.reconcile import reconciler
from polder.reconcile.periodic import reconcile_overdue
from polder.testing import deliver
from polder.testing.history import old_ids, rows_read
from tests.long_history import analyze, insert_aggregates, insert_copies
from tests.makers import reservation_event


def test_a_decided_order_that_nobody_noticed(
    catalogue: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given
    order_id = place(Line("p1", 1)).order.pk
    with monkeypatch.context() as patch:
        patch.setattr(reconciler, "reconcilers", [])
        deliver(reservation_event(order_id=order_id))
    assert Order.objects.get().status == "pending"

    # When it is looked for too early, and in time
    assert reconcile_overdue() == {"reconcile_orders": 0}
    Reservation.objects.update(synced_at=timezone.now() - timedelta(minutes=2))
    assert reconcile_overdue() == {"reconcile_orders": 1}

    # Then
    assert Order.objects.get().status == "confirmed"
    assert reconcile_overdue() == {"reconcile_orders": 0}


def test_what_waits_for_inventory_is_left_alone(catalogue: None) -> None:
    place(Line("p1", 1))
    Order.objects.update(created_at=timezone.now() - timedelta(days=1))

    assert reconcile_overdue() == {"reconcile_orders": 0}


def test_what_is_over_is_not_read(catalogue: None) -> None:
    # Given a long history
    number = 30_000
    customer = dict.fromkeys(("customer_name", "customer_email"), "")
    address = dict.fromkeys(("line1", "postal_code", "city"), "") | {"country": "NL"}
    with unguarded("a long history"):
        for status, reservation, shipment in (
            ("delivered", "consumed", "delivered"),
            ("cancelled", "released", "cancelled"),
            ("rejected", "rejected", "cancelled"),
        ):
            ids = old_ids(number)
            insert_aggregates("orders", "id", ids, status, **customer, **address, lines="[]")
            insert_copies("replica_reservation", ids, reservation, shortages="[]")
            insert_copies("replica_shipment", ids, shipment, carrier="", tracking_number="")
    analyze("orders", "replica_shipment", "replica_reservation")

    # Then
    assert [rows_read(overdue) for overdue in RULES.overdue()] == [0] * 6
    assert rows_read(orders_to_flag(timezone.now())) == 0
    assert rows_read(orders_past_deadline(timezone.now(), timezone.now())) == 0
