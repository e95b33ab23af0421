"""Changing, retiring and bringing back products, and adjusting their stock."""

from __future__ import annotations

from decimal import Decimal

import pytest

from inventory_service.models import Movement, Product, Reservation, Stock
from inventory_service.services import (
    RetiredProduct,
    StockLimit,
    UnknownProduct,
    VersionMismatch,
    product_change,
    product_retire,
    stock_adjust,
    stock_receive,
)
from inventory_service.tests.stocking import assert_conserved, create
from polder.testing import deliver, published
from polder.testing.outbox import types_of
from tests.makers import order_event


def versions_of(aggregate: str) -> list[int]:
    return [event.aggregateversion for event in published() if event.aggregatetype == aggregate]


def test_a_change_is_published_with_the_whole_state(db: None) -> None:
    create("p1")

    changed = product_change(product_id="p1", versions=[1], changes={"price": Decimal("12.50")})

    event = published()[-1]
    assert (event.id, event.type, event.aggregateversion) == (changed.event_id, "ProductChanged", 2)
    assert event.data.price.amount == Decimal("12.50")
    assert event.data.name == Product.objects.get().name


def test_a_change_for_another_version_changes_nothing(db: None) -> None:
    create("p1")
    product_change(product_id="p1", versions=[1], changes={"name": "first"})

    with pytest.raises(VersionMismatch) as mismatch:
        product_change(product_id="p1", versions=[1], changes={"name": "second"})

    assert mismatch.value.version == 2
    assert Product.objects.get().name == "first"
    assert versions_of("product") == [1, 2]


def test_a_retired_product_is_a_shortage_and_comes_back_with_its_versions_going_on(
    db: None,
) -> None:
    # Given a product with stock that is retired
    create("p1")
    stock_receive(product_id="p1", quantity=5)
    product_retire(product_id="p1")

    # When it is ordered
    deliver(order := order_event(products={"p1": 1}))

    # Then there is nothing available of it, and it can neither change nor retire again
    assert Reservation.objects.get(pk=order.subject).shortages == [
        {"productId": "p1", "quantity": 1, "available": 0}
    ]
    with pytest.raises(RetiredProduct):
        product_change(product_id="p1", versions=[2], changes={"name": "x"})
    with pytest.raises(RetiredProduct):
        product_retire(product_id="p1")

    # And created again it is back, with its stock
    create("p1")
    deliver(again := order_event(products={"p1": 1}))
    assert Reservation.objects.get(pk=again.subject).status == "held"
    assert versions_of("product") == [1, 2, 3]
    assert [event.data.retired for event in published() if event.aggregatetype == "product"] == [
        False,
        True,
        False,
    ]
    assert_conserved()


def test_an_adjustment_is_journalled_with_its_reason(db: None) -> None:
    create("p1")
    stock_receive(product_id="p1", quantity=5)

    stock_adjust(product_id="p1", quantity=-2, reason="two were broken")

    movement = Movement.objects.latest("pk")
    assert (movement.kind, movement.on_hand, movement.reason) == ("adjust", -2, "two were broken")
    assert Stock.objects.get().on_hand == 3
    assert types_of(published())[-1] == "StockChanged"
    assert_conserved()


def test_what_is_reserved_cannot_be_adjusted_away(db: None) -> None:
    create("p1")
    stock_receive(product_id="p1", quantity=5)
    deliver(order_event(products={"p1": 4}))

    with pytest.raises(StockLimit, match="4 of them reserved"):
        stock_adjust(product_id="p1", quantity=-2, reason="miscounted")

    assert Stock.objects.get().on_hand == 5
    assert_conserved()


@pytest.mark.parametrize(
    "use_case",
    [
        lambda: product_change(product_id="p9", versions=[1], changes={}),
        lambda: product_retire(product_id="p9"),
        lambda: stock_adjust(product_id="p9", quantity=1, reason="found"),
    ],
)
def test_what_is_not_there(db: None, use_case: object) -> None:
    with pytest.raises(UnknownProduct):
        use_case()  # type: ignore[operator]
