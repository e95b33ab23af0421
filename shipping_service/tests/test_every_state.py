"""From whatever an order, its reservation and its shipment are, the shipment comes to a listed end,
and what has left never leaves again."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from django.utils import timezone
from uuid_utils.compat import uuid7

from polder.outbox.guard.bypass import unguarded
from polder.testing import published
from polder.testing.history import overdue_keys
from shipping_service.models import Order, Reservation, Shipment
from shipping_service.reconcile import reconcile_shipments
from shipping_service.rules import RULES
from shipping_service.services import NotDispatchable, shipment_dispatch

ADDRESS = {"line1": "Dijk 1", "postalCode": "2611 AB", "city": "Delft", "country": "NL"}
RESERVATIONS = (None, "held", "rejected", "consumed", "released")
SHIPMENTS = (None, "prepared", "ready", "dispatched", "delivered", "cancelled")

# By what the order is: what a shipment that is not there, prepared or ready comes to, by the
# reservation in the order of RESERVATIONS.
OPEN = ("prepared", "ready", "prepared", "prepared", "prepared")
STILL_READY = ("ready",) * 5
NOT_TO_BE_SENT = ("cancelled", "cancelled", "cancelled", "dispatched", "cancelled")
ENDS: dict[str, dict[str | None, tuple[str, ...]]] = {
    "pending": {None: OPEN, "prepared": OPEN, "ready": STILL_READY},
    "confirmed": {None: OPEN, "prepared": OPEN, "ready": STILL_READY},
    "cancelling": dict.fromkeys((None, "prepared", "ready"), NOT_TO_BE_SENT),
    "cancelled": dict.fromkeys((None, "prepared", "ready"), NOT_TO_BE_SENT),
    "rejected": dict.fromkeys((None, "prepared", "ready"), NOT_TO_BE_SENT),
    "shipped": dict.fromkeys((None, "prepared", "ready"), ("dispatched",) * 5),
    "delivered": dict.fromkeys((None, "prepared", "ready"), ("delivered",) * 5),
}


def end_of(order: str, reservation: str | None, shipment: str | None) -> str:
    if shipment in ("delivered", "cancelled"):
        return shipment
    if shipment == "dispatched":
        return "delivered" if order == "delivered" else "dispatched"
    return ENDS[order][shipment][RESERVATIONS.index(reservation)]


def standing(order: str, reservation: str | None, shipment: str | None) -> UUID:
    key = uuid7()
    known = {"key": key, "version": 1, "synced_at": timezone.now(), "content_hash": ""}
    Order.objects.create(
        **known,
        status=order,
        products=[{"productId": "p1", "quantity": 1}],
        shipping_address=ADDRESS,
    )
    if reservation is not None:
        Reservation.objects.create(**known, status=reservation)
    if shipment is not None:
        with unguarded("a case of the table"):
            Shipment.objects.create(
                order_id=key,
                status=shipment,
                line1="Dijk 1",
                postal_code="2611 AB",
                city="Delft",
                country="NL",
                packages=[],
                weight_grams=100,
            )
    return key


@pytest.mark.parametrize("order", ENDS)
def test_every_combination_comes_to_its_listed_end(catalogue: None, order: str) -> None:
    # Given
    expected = {
        standing(order, reservation, shipment): (
            reservation,
            shipment,
            end_of(order, reservation, shipment),
        )
        for reservation in RESERVATIONS
        for shipment in SHIPMENTS
    }
    keys = sorted(str(key) for key in expected)

    # When reconciled once, and once more
    reconcile_shipments(keys)
    told = len(published())
    reconcile_shipments(keys)

    # Then
    came = dict(Shipment.objects.values_list("pk", "status"))
    assert {key: (*known[:2], came[key]) for key, known in expected.items()} == expected
    assert len(published()) == told


@pytest.mark.parametrize("order", ENDS)
def test_what_is_to_move_is_overdue_and_nothing_else(catalogue: None, order: str) -> None:
    """One table says what a shipment does next and what is overdue; the listed ends judge both."""
    # Given
    known = {
        standing(order, reservation, shipment): (reservation, shipment)
        for reservation in RESERVATIONS
        for shipment in SHIPMENTS
    }
    to_move = {
        key
        for key, (reservation, shipment) in known.items()
        if end_of(order, reservation, shipment) != shipment
    }

    # When they are looked for too early, and in time
    assert overdue_keys(RULES) == set()
    for model in (Order, Reservation):
        model.objects.update(synced_at=timezone.now() - timedelta(minutes=2))

    # Then
    assert overdue_keys(RULES) == to_move
    assert to_move == {
        key
        for key, (reservation, shipment) in known.items()
        if RULES.find(shipment, order=order, reservation=reservation)
    }


@pytest.mark.parametrize(
    ("order", "reservation"),
    [
        ("shipped", None),
        ("delivered", "held"),
        ("confirmed", "consumed"),
        ("confirmed", "released"),
    ],
)
def test_what_others_know_to_have_left_is_not_dispatched(
    catalogue: None, order: str, reservation: str | None
) -> None:
    """Not even before it is reconciled."""
    key = standing(order, reservation, "ready")

    with pytest.raises(NotDispatchable):
        shipment_dispatch(order_id=key, carrier="PostNL", tracking_number="3S1")

    assert not published()


def test_one_that_left_before_its_weight_was_known(catalogue: None) -> None:
    key = standing("shipped", "consumed", None)
    Order.objects.update(products=[{"productId": "unknown", "quantity": 1}])

    reconcile_shipments([str(key)])

    assert (Shipment.objects.get().status, Shipment.objects.get().weight_grams) == (
        "dispatched",
        None,
    )
