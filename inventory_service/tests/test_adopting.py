"""After a restore: what becomes of products, stock and reservations that the neighbours know
better; the journal stays the sum of it all."""

from __future__ import annotations

from decimal import Decimal
from threading import Timer
from uuid import UUID

import pytest
from django.db import connection
from rest_framework.test import APIClient
from uuid_utils.compat import uuid7

import inventory_service.adopt  # noqa: F401  (registers it)
from common.contracts.inventory import StockChanged
from inventory_service.models import Movement, Product, Reservation, Stock
from inventory_service.reconcile import reconcile_reservations
from inventory_service.services import product_change
from inventory_service.tests.stocking import decisions
from inventory_service.tests.test_overdue import a_minute_later
from polder.outbox import claims, fence
from polder.outbox.models import Fenced
from polder.pasts.healing import raise_accepted
from polder.reconcile.periodic import reconcile_overdue
from polder.testing import deliver, published
from polder.testing.api import assert_problem, post
from polder.testing.database import other_connection
from tests.invariants.stock import CONSERVED, JOURNAL
from tests.makers import order_event
from tests.neighbours import Neighbours

PUMP = {"name": "Pump", "price__amount": "5.00", "price__currency": "EUR"}

pytestmark = pytest.mark.usefixtures("shop")


@pytest.fixture
def neighbours() -> Neighbours:
    return Neighbours()


def assert_conserved() -> None:
    with connection.cursor() as cursor:
        for _, what, sql in (*CONSERVED, *JOURNAL):
            cursor.execute(sql)
            assert cursor.fetchall() == [], what


def stock() -> dict[str, tuple[int, int]]:
    return {row.pk: (row.on_hand, row.reserved) for row in Stock.objects.all()}


def ordered(**products: int) -> str:
    event = order_event(products=products)
    deliver(event)
    return event.subject


def fenced() -> set[str]:
    return set(Fenced.objects.filter(lifted_at=None).values_list("key", flat=True))


def forgotten(**products: int) -> UUID:
    """An order whose reservation was decided, before the past came back."""
    return uuid7()


def test_prices_are_those_that_others_know(neighbours: Neighbours) -> None:
    members = {"name": "Boots", "price__amount": "43.00", "price__currency": "EUR"}
    neighbours.know("product", "p1", 4, **members, weight_grams=90, by="order")
    neighbours.know("product", "p1", 4, name="Boots", weight_grams=90, by="shipping")

    neighbours.heal()

    product = Product.objects.get(pk="p1")
    assert (product.price, product.weight_grams, product.name) == (Decimal("43.00"), 90, "Boots")
    assert published(subject="p1")[-1].type == "ProductChanged"
    product_change(product_id="p1", versions=[product.version], changes={"name": "New"})


@pytest.mark.django_db(transaction=True)
def test_who_holds_a_row_meanwhile_is_waited_for(neighbours: Neighbours) -> None:
    members = {"name": "Boots", "price__amount": "43.00", "price__currency": "EUR"}
    neighbours.know("product", "p1", 4, **members, weight_grams=90, by="order")
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '100ms'")

    with other_connection() as other:
        other.execute("BEGIN")
        other.execute("SELECT FROM inventory_product WHERE product_id = 'p1' FOR UPDATE")
        ending = Timer(1.0, other.execute, ["COMMIT"])
        ending.start()
        neighbours.heal()
        ending.join()

    assert Product.objects.get(pk="p1").name == "Boots"
    connection.close()


def test_a_product_and_its_stock_that_were_forgotten(neighbours: Neighbours) -> None:
    neighbours.know("product", "p9", 2, **PUMP, weight_grams=None, is_retired=True)
    neighbours.know("stock", "p9", 3, on_hand=7, reserved=0, available=7)

    neighbours.heal()

    assert Product.objects.get(pk="p9").retired_at is not None
    assert stock()["p9"] == (7, 0)
    assert_conserved()


def test_a_product_whose_stock_nobody_keeps_is_counted_and_accepted(
    neighbours: Neighbours, api: APIClient
) -> None:
    # Given a product that was forgotten, of whose stock others have heard and keep nothing
    neighbours.know("product", "p9", 2, **PUMP, weight_grams=None)
    neighbours.know_of("stock", "p9", 7)

    # When the product is taken back
    assert "nobody keeps a copy" in neighbours.heal()["p9"].problem

    # Then it is shown and changed, and its stock is not before somebody has decided
    assert on_hand(api) == 0
    tag = api.get("/api/products/p9/")["ETag"]
    changed = api.patch(
        "/api/products/p9/", {"name": "Pumps"}, format="json", headers={"If-Match": tag}
    )
    assert changed.status_code == 200
    receive = ("/api/products/p9/receive/", {"quantity": 5})
    assert_problem(post(api, *receive), 409, "fenced")
    assert [event.subject for event in published(StockChanged)] == ["p1", "p1", "p2", "p2"]

    # and once it is accepted others take what is counted
    fence.accept(Fenced.objects.all(), by="root", reason="counted")
    raise_accepted()
    assert post(api, *receive).status_code == 200
    assert on_hand(api) == 5
    assert published(StockChanged, subject="p9")[-1].aggregateversion > 7
    assert post(api, "/api/products/p9/retire/", {}).status_code == 200
    assert_conserved()


def test_a_product_of_whose_stock_nobody_has_heard_has_none(
    neighbours: Neighbours, api: APIClient
) -> None:
    neighbours.know("product", "p9", 2, **PUMP, weight_grams=None)

    neighbours.heal()

    [told] = published(StockChanged, subject="p9")
    assert (told.data.on_hand, on_hand(api)) == (0, 0)
    assert post(api, "/api/products/p9/receive/", {"quantity": 5}).status_code == 200
    assert_conserved()


def on_hand(api: APIClient) -> int:
    [shown] = [
        one for one in api.get("/api/products/").json()["results"] if one["productId"] == "p9"
    ]
    return int(shown["onHand"])


@pytest.mark.parametrize(
    ("status", "left"),
    [("held", (10, 2)), ("consumed", (8, 0)), ("released", (10, 0)), ("rejected", (10, 0))],
)
def test_a_reservation_that_was_forgotten(
    neighbours: Neighbours, status: str, left: tuple[int, int]
) -> None:
    event = order_event(products={"p1": 2})
    neighbours.know("reservation", event.subject, 2, status=status, shortages=[])
    neighbours.know("stock", "p1", 9, on_hand=left[0], reserved=left[1])
    deliver(event)
    assert not Reservation.objects.exists()

    neighbours.heal()

    assert decisions() == {event.subject: status}
    assert stock()["p1"] == left
    assert_conserved()
    assert not Movement.objects.filter(kind="adjust").exists()
    reconcile_reservations([event.subject])
    assert decisions() == {event.subject: status}


@pytest.mark.parametrize(("status", "left"), [("consumed", (8, 0)), ("released", (10, 0))])
def test_a_reservation_that_went_on(
    neighbours: Neighbours, status: str, left: tuple[int, int]
) -> None:
    key = ordered(p1=2)
    assert stock()["p1"] == (10, 2)
    neighbours.know("reservation", key, 2, status=status, shortages=[])
    neighbours.know("stock", "p1", 9, on_hand=left[0], reserved=left[1])

    neighbours.heal()

    assert (decisions(), stock()["p1"]) == ({key: status}, left)
    assert_conserved()


def test_goods_that_came_in_since_are_in_the_journal(neighbours: Neighbours) -> None:
    """They are there before what was taken from them."""
    event = order_event(products={"p2": 12})
    neighbours.know("reservation", event.subject, 2, status="consumed", shortages=[])
    neighbours.know("stock", "p2", 9, on_hand=3, reserved=0)
    deliver(event)

    neighbours.heal()

    assert stock()["p2"] == (3, 0)
    [adjusted] = Movement.objects.filter(kind="adjust")
    assert (adjusted.product_id, adjusted.on_hand) == ("p2", 10)
    assert_conserved()


def test_what_was_held_was_there_whatever_the_stock_says(neighbours: Neighbours) -> None:
    """Nobody has heard of the stock since."""
    event = order_event(products={"p2": 7})
    neighbours.know("reservation", event.subject, 1, status="held", shortages=[])
    deliver(event)

    neighbours.heal()

    assert stock()["p2"] == (7, 7)
    assert_conserved()


def test_broken_off_between_the_stock_and_its_reservations(neighbours: Neighbours) -> None:
    """What is healed stays fenced, so nobody takes what belongs to others; then it goes on."""
    event = order_event(products={"p1": 4})
    neighbours.know("stock", "p1", 9, on_hand=6, reserved=0)
    neighbours.heal()
    claims.put_up([], "order")
    neighbours.know("reservation", event.subject, 2, status="consumed", shortages=[])
    deliver(event)

    neighbours.heal()

    assert decisions() == {event.subject: "consumed"}
    assert_conserved()


def test_without_its_order_nobody_knows_what_it_holds(neighbours: Neighbours) -> None:
    """So all stock that was healed stays fenced, whatever of it that may be."""
    neighbours.know("reservation", key := uuid7(), 2, status="held", shortages=[])
    neighbours.know("stock", "p1", 9, on_hand=6, reserved=0)

    assert "order" in neighbours.heal()[str(key)].problem
    assert fenced() == {str(key), "p1"}


def test_what_an_undecidable_reservation_has_taken_is_free_to_nobody(
    neighbours: Neighbours,
) -> None:
    # Given four of p1 that have left, or were released: nobody can tell
    left = order_event(products={"p1": 4})
    neighbours.know("stock", "p1", 9, on_hand=6, reserved=0)
    neighbours.know("stock", "p2", 9, on_hand=9, reserved=0)
    neighbours.know("reservation", left.subject, 2, status="consumed", shortages=[], by="order")
    neighbours.know("reservation", left.subject, 2, status="released", shortages=[], by="shipping")
    deliver(left)

    # When all is healed that can be
    assert "nobody can tell which is right" in neighbours.heal()[left.subject].problem

    # Then its stock stays fenced, and no other
    assert fenced() == {left.subject, "p1"}
    asks, other = order_event(products={"p1": 7}), order_event(products={"p2": 9})
    deliver(asks, other)
    assert decisions() == {other.subject: "held"}

    # And when it is known which, nothing was sold twice
    neighbours.know("reservation", left.subject, 3, status="consumed", shortages=[])
    neighbours.heal()
    assert not fenced()
    a_minute_later()
    reconcile_overdue()
    assert decisions()[asks.subject] == "rejected"
    assert stock() == {"p1": (6, 0), "p2": (9, 9)}
    assert_conserved()
