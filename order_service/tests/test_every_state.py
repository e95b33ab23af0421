"""From whatever an order, its reservation and its shipment are, the order comes to a listed end:
also when its own past came back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from uuid_utils.compat import uuid7

from order_service.models import Order, Reservation, Shipment
from order_service.reconcile import reconcile_orders
from order_service.rules import RULES
from polder.outbox.guard.bypass import unguarded
from polder.testing import published
from polder.testing.history import overdue_keys

RESERVATIONS = (None, "held", "rejected", "consumed", "released")
SHIPMENTS = (None, "prepared", "ready", "dispatched", "delivered", "cancelled")

# By what the order is and what its reservation is: what it comes to, by its shipment in the order
# of SHIPMENTS.
WAITS_FOR_SHIPPING: tuple[str, ...] = (
    "cancelling",
    "cancelling",
    "cancelling",
    "shipped",
    "delivered",
    "cancelled",
)
HELD: tuple[str, ...] = ("confirmed", "confirmed", "confirmed", "shipped", "delivered", "cancelled")
ENDS: dict[str, dict[str | None, tuple[str, ...]]] = {
    "pending": {
        None: ("pending", "pending", "pending", "shipped", "delivered", "cancelled"),
        "held": HELD,
        "rejected": ("rejected", "rejected", "rejected", "shipped", "delivered", "rejected"),
        "consumed": HELD,
        "released": WAITS_FOR_SHIPPING,
    },
    "confirmed": dict.fromkeys(RESERVATIONS, HELD) | {"released": WAITS_FOR_SHIPPING},
    "cancelling": dict.fromkeys(RESERVATIONS, WAITS_FOR_SHIPPING),
    "shipped": dict.fromkeys(
        RESERVATIONS, ("shipped", "shipped", "shipped", "shipped", "delivered", "shipped")
    ),
    "delivered": dict.fromkeys(RESERVATIONS, ("delivered",) * 6),
    "rejected": dict.fromkeys(RESERVATIONS, ("rejected",) * 6),
    "cancelled": dict.fromkeys(RESERVATIONS, ("cancelled",) * 6),
}


def standing(status: str, reservation: str | None, shipment: str | None) -> Order:
    with unguarded("a case of the table"):
        order = Order.objects.create(
            status=status,
            lines=[],
            line1="Dijk 1",
            postal_code="2611 AB",
            city="Delft",
            country="NL",
            customer_name="Ada",
        )
    known = {"key": order.pk, "version": 1, "synced_at": timezone.now(), "content_hash": ""}
    if reservation is not None:
        Reservation.objects.create(**known, status=reservation)
    if shipment is not None:
        Shipment.objects.create(**known, status=shipment)
    return order


@pytest.mark.parametrize("status", ENDS)
def test_every_combination_comes_to_its_listed_end(db: None, status: str) -> None:
    # Given
    expected = {
        standing(status, reservation, shipment).pk: (reservation, shipment, ends[place])
        for reservation, ends in ENDS[status].items()
        for place, shipment in enumerate(SHIPMENTS)
    }
    keys = sorted(str(key) for key in expected)

    # When reconciled once, and once more
    reconcile_orders(keys)
    told = len(published())
    reconcile_orders(keys)

    # Then
    came = dict(Order.objects.values_list("pk", "status"))
    assert {key: (*known[:2], came[key]) for key, known in expected.items()} == expected
    assert len(published()) == told
    assert told == sum(version - 1 for version in Order.objects.values_list("version", flat=True))


@pytest.mark.parametrize("status", ENDS)
def test_what_is_to_move_is_overdue_and_nothing_else(db: None, status: str) -> None:
    """One table says what an order does next and what is overdue; the listed ends judge both."""
    # Given
    known = {
        standing(status, reservation, shipment).pk: (reservation, shipment)
        for reservation in RESERVATIONS
        for shipment in SHIPMENTS
    }
    to_move = {
        key
        for key, (reservation, shipment) in known.items()
        if ENDS[status][reservation][SHIPMENTS.index(shipment)] != status
    }

    # When they are looked for too early, and in time
    assert overdue_keys(RULES) == set()
    for model in (Reservation, Shipment):
        model.objects.update(synced_at=timezone.now() - timedelta(minutes=2))

    # Then
    assert overdue_keys(RULES) == to_move
    assert to_move == {
        key
        for key, (reservation, shipment) in known.items()
        if RULES.find(status, reservation=reservation, shipment=shipment)
    }


def test_an_id_that_is_not_ours(db: None) -> None:
    reconcile_orders([str(uuid7())])

    assert not Order.objects.exists()
