"""Periodic reconciliation: what a wake-up missed is found a minute later."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from common.contracts.orders import OrderCancelRequested
from polder.contracts.event import Event
from polder.outbox.guard.bypass import unguarded
from polder.reconcile import reconciler
from polder.reconcile.periodic import reconcile_overdue
from polder.testing import deliver
from polder.testing.history import old_ids, rows_read
from shipping_service.models import Order, Reservation, Shipment
from shipping_service.rules import RULES
from tests.long_history import analyze, insert_aggregates, insert_copies
from tests.makers import order_event, reservation_event


def unnoticed(monkeypatch: pytest.MonkeyPatch, *events: Event) -> None:
    """They arrive, and nobody is woken."""
    with monkeypatch.context() as patch:
        patch.setattr(reconciler, "reconcilers", [])
        deliver(*events)


def a_minute_later() -> None:
    for model in (Order, Reservation):
        model.objects.update(synced_at=timezone.now() - timedelta(minutes=2))


@pytest.mark.parametrize("missed", ["order", "reservation", "cancel"])
def test_found_a_minute_later(
    catalogue: None, monkeypatch: pytest.MonkeyPatch, missed: str
) -> None:
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
    assert reconcile_overdue() == {"reconcile_shipments": 0}
    a_minute_later()
    assert reconcile_overdue() == {"reconcile_shipments": 1}

    # Then
    assert (
        Shipment.objects.get().status
        == {"order": "prepared", "reservation": "ready", "cancel": "cancelled"}[missed]
    )
    assert reconcile_overdue() == {"reconcile_shipments": 0}


def test_what_is_over_is_not_read(catalogue: None) -> None:
    # Given a long history
    number = 30_000
    texts = ("line1", "postal_code", "city", "country", "carrier", "tracking_number")
    packed = {"packages": "[]", "weight_grams": 1, "unweighed": "{}"}
    with unguarded("a long history"):
        for status, reservation, shipment in (
            ("delivered", "consumed", "delivered"),
            ("cancelled", "released", "cancelled"),
            ("rejected", "rejected", "cancelled"),
        ):
            ids = old_ids(number)
            insert_copies("replica_order", ids, status, products="[]", shipping_address="{}")
            insert_copies("replica_reservation", ids, reservation)
            insert_aggregates(
                "shipping_shipment", "order_id", ids, shipment, **dict.fromkeys(texts, ""), **packed
            )
    analyze("replica_order", "replica_reservation", "shipping_shipment")

    # Then
    assert [rows_read(overdue) for overdue in RULES.overdue()] == [0] * 6
