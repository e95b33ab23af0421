"""The database's own word: what the code should never do, it cannot."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction
from uuid_utils.compat import uuid7

from common.contracts.inventory import ReservationStatus
from inventory_service.models import Movement, Reservation, Stock
from inventory_service.tests.stocking import assert_conserved
from polder.domain.states import IllegalMove
from polder.testing import deliver, published
from tests.makers import order_event


@pytest.mark.parametrize(
    "values", [{"reserved": 11}, {"on_hand": -1}, {"reserved": -1}, {"on_hand": 0, "reserved": 1}]
)
def test_stock_is_neither_oversold_nor_negative(shop: None, values: dict[str, int]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Stock.objects.filter(pk="p1").update(**values)


def test_a_reservation_has_a_status_of_the_table(shop: None) -> None:
    with pytest.raises(IntegrityError, match="reservation_status"), transaction.atomic():
        Reservation.objects.create(order_id=uuid7(), status="maybe", lines=[])


def test_a_movement_is_made_once(shop: None) -> None:
    cause = uuid7()
    Movement.objects.create(product_id="p1", kind="reserve", reserved=1, cause=cause)
    with pytest.raises(IntegrityError, match="moved_once"), transaction.atomic():
        Movement.objects.create(product_id="p1", kind="reserve", reserved=1, cause=cause)
    with pytest.raises(IntegrityError, match="movement_kind"), transaction.atomic():
        Movement.objects.create(product_id="p1", kind="lost", reserved=1, cause=cause)


@pytest.mark.parametrize("after", ReservationStatus)
def test_what_is_over_is_not_opened_again(db: None, after: ReservationStatus) -> None:
    for before in (
        ReservationStatus.REJECTED,
        ReservationStatus.RELEASED,
        ReservationStatus.CONSUMED,
    ):
        with pytest.raises(IllegalMove):
            Reservation(order_id=uuid7(), status=before, lines=[]).move_to(after)


def test_an_order_that_names_a_product_twice_takes_no_more_than_there_is(shop: None) -> None:
    # Given what the order service refuses, as another publisher might send it
    twice = order_event(products={"p1": 6})
    body = twice.encode().replace(
        '"products":[',
        '"products":[{"productId":"p1","quantity":6,"price":{"amount":"9.95","currency":"EUR"}},',
    )

    # When
    deliver(body.encode())

    # Then
    assert not Reservation.objects.filter(status="held").exists()
    assert all(event.type != "StockReserved" for event in published())
    assert_conserved()
