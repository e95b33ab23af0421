"""From whatever an order, its reservation and its shipment are, the order comes to a listed end:
also when its own past came back."""

from __future__ import annotations

import pytest
from django.utils import timezone
from uuid_utils.compat import uuid7

from order_service.models import Order, Reservation, Shipment
from order_service.reconcile import reconcile_orders
from polder.testing import published

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


def test_an_id_that_is_not_ours(db: None) -> None:
    reconcile_orders([str(uuid7())])

    assert not Order.objects.exists()
