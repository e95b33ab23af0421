"""The admin: every page opens, and people work with products and stock in it."""

from __future__ import annotations

import pytest
from django.test import Client

from inventory_service.models import Movement, Order, Product, Reservation, Stock
from polder.admin.models import OperatorAction
from polder.testing import deliver
from polder.testing.admin_pages import (
    SEARCHES,
    assert_who_may_only_look_cannot_act,
    list_addresses,
    open_everything,
    operate,
    search_everywhere,
)
from tests.every_row import drift_of, rows_of_the_library
from tests.makers import order_event, shipment_event


@pytest.fixture
def admin(shop: None) -> Client:
    """With a row in every table."""
    deliver(order_event(products={"p1": 1}), order_event(products={"p1": 100}), b"{")
    deliver(shipment_event())
    drift_of("order.order")
    return rows_of_the_library("order.order", action="adjust", target="inventory.Stock")


def test_every_list_and_every_page_opens(admin: Client) -> None:
    open_everything(admin)


@pytest.mark.parametrize("text", SEARCHES)
def test_every_list_can_be_searched(admin: Client, text: str) -> None:
    search_everywhere(admin, text)


def test_an_order_s_id_finds_what_was_done_for_it(admin: Client) -> None:
    order = Order.objects.get(pk=Reservation.objects.get(status="held").pk)
    lists = dict(list_addresses())

    for model in (Order, Reservation, Movement):
        assert admin.get(lists[model], {"q": str(order.pk)}).context["cl"].result_count == 1


def test_stock_is_received_and_adjusted(admin: Client) -> None:
    stock = Stock.objects.get(pk="p1")

    assert operate(admin, "receive", stock, quantity=5, reason="a delivery") == [
        "Receive: 1 of 1 done."
    ]
    assert operate(admin, "adjust", stock, quantity=-2, reason="broken") == ["Adjust: 1 of 1 done."]

    stock.refresh_from_db()
    assert stock.on_hand == 13
    assert [
        (row.kind, row.on_hand, row.reason)
        for row in Movement.objects.filter(product="p1").order_by("-pk")[:2]
    ] == [
        ("adjust", -2, "broken"),
        ("receive", 5, ""),
    ]
    assert [
        (row.action, row.before["on_hand"], row.after["on_hand"])
        for row in OperatorAction.objects.order_by("-pk")[:2]
    ] == [
        ("adjust", 15, 13),
        ("receive", 10, 15),
    ]


def test_no_more_is_taken_away_than_is_free(admin: Client) -> None:
    stock = Stock.objects.get(pk="p1")

    [message] = operate(admin, "adjust", stock, quantity=-10, reason="a fire")

    assert "10 of p1 are on hand and 1 of them reserved" in message
    stock.refresh_from_db()
    assert stock.on_hand == 10


def test_a_product_is_retired_once(admin: Client) -> None:
    product = Product.objects.get(pk="p2")

    assert operate(admin, "retire", product, reason="no longer made") == ["Retire: 1 of 1 done."]

    product.refresh_from_db()
    assert product.retired_at is not None
    assert "Retire failed for p2" in operate(admin, "retire", product, reason="again")[0]


def test_who_may_only_look_cannot_act_by_any_door(admin: Client) -> None:
    assert assert_who_may_only_look_cannot_act() > 50
