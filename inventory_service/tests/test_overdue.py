"""Periodic reconciliation: what a wake-up missed is found a minute later."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from common.contracts.orders import OrderCancelled, OrderConfirmed, OrderCreated
from inventory_service.models import Order
from inventory_service.selectors import reservations_overdue
from inventory_service.tests.stocking import assert_conserved, decisions, reserved
from polder.outbox.guard.bypass import unguarded
from polder.reconcile import reconciler
from polder.reconcile.periodic import reconcile_overdue
from polder.testing import deliver
from polder.testing.history import old_ids, rows_read
from tests.long_history import analyze, insert_aggregates, insert_copies
from tests.makers import order_history


def a_minute_later() -> None:
    Order.objects.update(synced_at=timezone.now() - timedelta(minutes=2))


def test_an_order_that_nobody_decided(shop: None, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given
    (created,) = order_history(OrderCreated, products={"p1": 3})
    with monkeypatch.context() as patch:
        patch.setattr(reconciler, "reconcilers", [])
        deliver(created)

    # When it is looked for too early, and in time
    assert reconcile_overdue() == {"reconcile_reservations": 0}
    a_minute_later()
    assert reconcile_overdue() == {"reconcile_reservations": 1}

    # Then
    assert decisions() == {created.subject: "held"}
    assert reserved() == {"p1": 3, "p2": 0}
    assert reconcile_overdue() == {"reconcile_reservations": 0}
    assert_conserved()


def test_stock_that_nobody_released(shop: None, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given
    created, cancelled = order_history(OrderCreated, OrderCancelled, products={"p1": 3})
    deliver(created)
    with monkeypatch.context() as patch:
        patch.setattr(reconciler, "reconcilers", [])
        deliver(cancelled)
    assert reserved() == {"p1": 3, "p2": 0}

    # When
    a_minute_later()
    assert reconcile_overdue() == {"reconcile_reservations": 1}

    # Then
    assert reserved() == {"p1": 0, "p2": 0}
    assert reconcile_overdue() == {"reconcile_reservations": 0}
    assert_conserved()


def test_what_is_decided_is_not_looked_at(shop: None) -> None:
    deliver(*order_history(OrderCreated), *order_history(OrderCreated, OrderConfirmed))
    a_minute_later()

    assert reconcile_overdue() == {"reconcile_reservations": 0}


def test_what_is_over_is_not_read(shop: None) -> None:
    # Given a long history: consumed, released and rejected
    number = 30_000
    with unguarded("a long history"):
        for status, reservation, shipment in (
            ("delivered", "consumed", "delivered"),
            ("cancelled", "released", "cancelled"),
            ("rejected", "rejected", ""),
        ):
            ids = old_ids(number)
            insert_copies("replica_order", ids, status, products="[]")
            insert_aggregates(
                "inventory_reservation", "order_id", ids, reservation, lines="[]", shortages="[]"
            )
            if shipment:
                insert_copies("replica_shipment", ids, shipment)
    analyze("replica_order", "replica_shipment", "inventory_reservation", "inventory_owed")

    # Then
    assert [rows_read(overdue) for overdue in reservations_overdue()] == [0] * 6
