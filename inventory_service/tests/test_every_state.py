"""From whatever an order, its shipment and its reservation are, the reservation comes to a listed
end, and what left is taken once."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from django.utils import timezone
from uuid_utils.compat import uuid7

from common.contracts.inventory import ReservationStatus
from inventory_service.models import Movement, Order, Reservation, Shipment, Stock
from inventory_service.reconcile import reconcile_reservations
from inventory_service.rules import RULES
from inventory_service.services import product_retire, stock_receive
from inventory_service.tests.stocking import assert_conserved, stocked
from polder.outbox.guard.bypass import unguarded
from polder.outbox.models import Fenced
from polder.reconcile.periodic import reconcile_overdue
from polder.testing import published
from polder.testing.history import overdue_keys
from polder.testing.outbox import types_of

SHIPMENTS = (None, "prepared", "ready", "dispatched", "delivered", "cancelled")

# By what the order is: what an order without a reservation gets, and what a held one comes to, by
# the shipment in the order of SHIPMENTS.
NOTHING: tuple[str | None, ...] = (None, None, None, "consumed", "consumed", None)
TAKEN: tuple[str | None, ...] = ("held", "held", "held", "consumed", "consumed", "held")
RELEASED: tuple[str | None, ...] = (
    "released",
    "released",
    "released",
    "consumed",
    "consumed",
    "released",
)
LEFT_WAREHOUSE: tuple[str | None, ...] = ("consumed",) * 6
ENDS: dict[str, dict[str | None, tuple[str | None, ...]]] = {
    "pending": {None: TAKEN, "held": TAKEN},
    "confirmed": {None: TAKEN, "held": TAKEN},
    "cancelling": {None: NOTHING, "held": TAKEN},
    "cancelled": {None: NOTHING, "held": RELEASED},
    "rejected": {None: NOTHING, "held": RELEASED},
    "shipped": {None: LEFT_WAREHOUSE, "held": LEFT_WAREHOUSE},
    "delivered": {None: LEFT_WAREHOUSE, "held": LEFT_WAREHOUSE},
}


def standing(order: str, shipment: str | None, reservation: str | None) -> UUID:
    key = uuid7()
    known = {"key": key, "version": 1, "synced_at": timezone.now(), "content_hash": ""}
    Order.objects.create(
        **known,
        status="pending",
        products=[
            {"productId": "p1", "quantity": 1, "price": {"amount": "1.00", "currency": "EUR"}}
        ],
    )
    if reservation is not None:
        reconcile_reservations([str(key)])
        with unguarded("a case of the table"):
            Reservation.objects.filter(pk=key).update(status=reservation)
    Order.objects.filter(pk=key).update(status=order)
    if shipment is not None:
        Shipment.objects.create(**known, status=shipment)
    return key


@pytest.mark.parametrize("order", ENDS)
@pytest.mark.parametrize("reservation", [None, "held"])
def test_every_combination_comes_to_its_listed_end(
    db: None, order: str, reservation: str | None
) -> None:
    # Given
    stocked(p1=100)
    ends = ENDS[order][reservation]
    expected = {
        standing(order, shipment, reservation): (shipment, end)
        for shipment, end in zip(SHIPMENTS, ends, strict=True)
    }
    keys = sorted(str(key) for key in expected)

    # When reconciled once, and once more
    reconcile_reservations(keys)
    told = len(published())
    reconcile_reservations(keys)

    # Then
    came = dict(Reservation.objects.values_list("pk", "status"))
    assert {key: (shipment, came.get(key)) for key, (shipment, _) in expected.items()} == expected
    assert len(published()) == told
    assert Stock.objects.get().on_hand == 100 - ends.count("consumed")
    assert_conserved()


@pytest.mark.parametrize("order", ENDS)
def test_what_is_to_move_is_overdue_and_nothing_else(db: None, order: str) -> None:
    """One table says what a reservation does next and what is overdue; the listed ends judge
    both."""
    # Given
    stocked(p1=100)
    known = {
        standing(order, shipment, reservation): (shipment, reservation)
        for shipment in SHIPMENTS
        for reservation in (None, *ReservationStatus)
    }
    to_move = {
        key
        for key, (shipment, reservation) in known.items()
        if reservation in (None, "held")
        and ENDS[order][reservation][SHIPMENTS.index(shipment)] != reservation
    }

    # When they are looked for too early, and in time
    assert overdue_keys(RULES) == set()
    for model in (Order, Shipment):
        model.objects.update(synced_at=timezone.now() - timedelta(minutes=2))

    # Then
    assert overdue_keys(RULES) == to_move
    for model in (Order, Shipment):  # heard before the clock was set back by a day
        model.objects.update(synced_at=timezone.now() + timedelta(days=1))
    assert overdue_keys(RULES) == to_move
    assert to_move == {
        key
        for key, (shipment, reservation) in known.items()
        if RULES.find(reservation, order=order, shipment=shipment)
    }


@pytest.mark.parametrize("ended", ["rejected", "consumed", "released"])
def test_what_is_decided_is_never_opened_again(db: None, ended: str) -> None:
    stocked(p1=100)
    keys = [str(standing(order, shipment, ended)) for order in ENDS for shipment in SHIPMENTS]
    before = len(published())

    reconcile_reservations(sorted(keys))

    assert set(Reservation.objects.values_list("status", flat=True)) == {ended}
    assert len(published()) == before


def test_an_order_first_seen_when_its_goods_have_left(db: None) -> None:
    stocked(p1=5)
    key = standing("shipped", None, None)

    reconcile_reservations([str(key)])

    assert types_of(published(subject=key)) == ["StockReserved", "StockConsumed"]
    moved = (
        Movement.objects.filter(cause=key).order_by("id").values_list("kind", "on_hand", "reserved")
    )
    assert list(moved) == [("reserve", 0, 1), ("consume", -1, -1)]
    assert_conserved()


@pytest.mark.parametrize(("order", "end"), [("confirmed", "held"), ("shipped", "consumed")])
def test_what_there_is_too_little_of_waits_for_more(
    db: None, order: str, end: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody rejects what was promised, and nothing is oversold: it is said until somebody counts
    the stock."""
    # Given
    stocked(p1=1)
    reconcile_reservations([str(standing("pending", None, None))])  # takes all there is
    key = standing(order, None, None)

    # When
    reconcile_reservations([str(key)])
    assert not Reservation.objects.filter(pk=key).exists()
    assert f"order {key} is {order} and nothing is held for it" in caplog.text

    # Then the periodic reconciliation does it, however late there is enough
    stock_receive(product_id="p1", quantity=1)
    Order.objects.update(synced_at=timezone.now() - timedelta(days=1))
    reconcile_overdue()
    assert Reservation.objects.get(pk=key).status == end
    assert_conserved()


def test_what_was_heard_behind_a_fence_is_found_when_it_has_gone(db: None) -> None:
    # Given a fence that stood for a day, and what left meanwhile
    stocked(p1=5)
    key = standing("delivered", None, None)
    Order.objects.update(synced_at=timezone.now() - timedelta(hours=20))
    reconcile_overdue()
    assert not Reservation.objects.exists()
    fenced = Fenced.objects.create(
        aggregate="inventory.stock",
        key="p1",
        known_version=1,
        known_event_id=key,
        reported_by="order",
        is_forgotten=False,
    )

    # When
    Fenced.objects.filter(pk=fenced.pk).update(
        since=timezone.now() - timedelta(days=1), lifted_at=timezone.now()
    )
    reconcile_overdue()

    # Then
    assert Reservation.objects.get(pk=key).status == "consumed"


def test_what_was_promised_is_held_though_the_product_is_retired_since(db: None) -> None:
    stocked(p1=5)
    product_retire(product_id="p1")
    keys = [str(standing(order, None, None)) for order in ("confirmed", "shipped", "pending")]

    reconcile_reservations(sorted(keys))

    assert [Reservation.objects.get(pk=key).status for key in keys] == [
        "held",
        "consumed",
        "rejected",
    ]
