"""Of what others know better, stock or product, nothing is decided for good: neither by writing it
nor by reading it."""

from __future__ import annotations

import pytest
from django.utils import timezone

import inventory_service.adopt  # noqa: F401  (registers it)
from common.contracts.inventory import StockRejected
from inventory_service.models import Product
from inventory_service.services import product_change
from inventory_service.tests.stocking import decisions
from inventory_service.tests.test_overdue import a_minute_later
from polder.inbox.models import ParkedEvent
from polder.outbox.fence import FencedAggregate
from polder.outbox.guard.bypass import unguarded
from polder.reconcile.periodic import reconcile_overdue
from polder.testing import deliver, published
from tests.makers import order_event
from tests.neighbours import Neighbours

pytestmark = pytest.mark.usefixtures("shop")

PUMP = {"name": "Pump", "price__amount": "5.00", "price__currency": "EUR", "weight_grams": 9}


@pytest.fixture
def neighbours() -> Neighbours:
    return Neighbours()


def test_no_order_is_rejected_by_a_stock_from_before_the_goods_came_in(
    neighbours: Neighbours,
) -> None:
    # Given a stock of ten, of which others know a hundred
    neighbours.know("stock", "p1", 9, on_hand=100, reserved=0)
    order, short = order_event(products={"p1": 12}), order_event(products={"p2": 6})

    # When it comes with one that is short of what nobody knows better
    deliver(order, short)

    # Then it waits, and is held when the stock is healed
    assert decisions() == {short.subject: "rejected"}
    assert not ParkedEvent.objects.exists()
    neighbours.heal()
    a_minute_later()
    reconcile_overdue()
    assert decisions() == {short.subject: "rejected", order.subject: "held"}


def test_nor_for_a_product_that_was_forgotten(neighbours: Neighbours) -> None:
    neighbours.know("product", "p9", 2, **PUMP)
    neighbours.know("stock", "p9", 3, on_hand=7, reserved=0)
    order = order_event(products={"p9": 1})

    deliver(order)

    assert decisions() == {}
    neighbours.heal()
    a_minute_later()
    reconcile_overdue()
    assert decisions() == {order.subject: "held"}


def test_nor_for_one_that_has_come_back_since(neighbours: Neighbours) -> None:
    with unguarded("a product that is retired"):
        Product.objects.filter(pk="p1").update(retired_at=timezone.now())
    neighbours.know("product", "p1", 4, **PUMP)

    deliver(order_event(products={"p1": 1}))

    assert decisions() == {}
    assert published(StockRejected) == []


def test_nobody_is_told_that_a_product_is_so_already(neighbours: Neighbours) -> None:
    neighbours.know("product", "p1", 4, **PUMP)

    with pytest.raises(FencedAggregate, match="knows version 4 of product p1"):
        product_change(product_id="p1", versions=[1], changes={"name": "P1"})
