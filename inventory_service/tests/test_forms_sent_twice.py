"""A form of the admin that is sent twice does what it asks for once, for each of its rows."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from inventory_service.models import Movement, Stock
from inventory_service.services import product_create, stock_receive
from polder.admin.audit import carry_out
from polder.admin.models import OperatorAction
from polder.testing.admin_pages import confirm, list_address, operate, question, superuser_client
from polder.testing.database import at_once


@pytest.fixture
def admin(shop: None) -> Client:
    return superuser_client()


def on_hand(product: str) -> int:
    return Stock.objects.get(pk=product).on_hand


def test_goods_are_received_once(admin: Client) -> None:
    page = question(admin, "receive", Stock.objects.get(pk="p1"))

    first = confirm(admin, page, quantity=100, reason="a delivery")
    second = confirm(admin, page, quantity=100, reason="a delivery")

    assert on_hand("p1") == 110
    assert first == ["Receive: 1 of 1 done."]
    assert "sent before" in second[0]
    assert second[1:] == first
    assert OperatorAction.objects.count() == 1


def test_asked_again_it_is_done_again(admin: Client) -> None:
    for _ in range(2):
        assert operate(
            admin, "receive", Stock.objects.get(pk="p1"), quantity=100, reason="a delivery"
        ) == ["Receive: 1 of 1 done."]

    assert on_hand("p1") == 210


def test_sent_again_with_another_quantity_nothing_is_done(admin: Client) -> None:
    page = question(admin, "receive", Stock.objects.get(pk="p1"))
    confirm(admin, page, quantity=100, reason="a delivery")

    messages = confirm(admin, page, quantity=7, reason="a delivery")

    assert "filled in otherwise" in messages[-1]
    assert on_hand("p1") == 110


def test_what_failed_is_not_tried_again(admin: Client) -> None:
    page = question(admin, "adjust", Stock.objects.get(pk="p1"))
    [failed] = confirm(admin, page, quantity=-100, reason="a fire")
    stock_receive(product_id="p1", quantity=1000)

    [again, told] = confirm(admin, page, quantity=-100, reason="a fire")

    assert "sent before" in again
    assert "10 of p1 are on hand and 0 of them reserved" in failed
    assert "10 of p1 are on hand and 0 of them reserved" in told
    assert on_hand("p1") == 1010


def test_a_bulk_that_broke_off_is_made_up_by_sending_it_again(
    admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a process that ends after the first row
    stocks = list(Stock.objects.order_by("pk"))
    page = question(admin, "receive", *stocks)
    before = [stock.on_hand for stock in stocks]
    with monkeypatch.context() as patch:
        rows = []

        def ends(*args: object, **options: object) -> object:
            rows.append(args)
            if len(rows) > 1:
                raise SystemExit
            return carry_out(*args, **options)

        patch.setattr("polder.admin.operations.carry_out", ends)
        with pytest.raises(SystemExit):
            confirm(admin, page, quantity=5, reason="a delivery")

    # When the browser sends it again
    messages = confirm(admin, page, quantity=5, reason="a delivery")

    # Then each row has it once
    assert [stock.on_hand for stock in Stock.objects.order_by("pk")] == [
        number + 5 for number in before
    ]
    assert f"nothing was done again for 1 of {len(stocks)}" in messages[0]


def test_a_form_that_no_page_drew_is_asked_anew(admin: Client) -> None:
    sent = {
        "action": "receive",
        "_selected_action": ["p1"],
        "confirmed": "1",
        "quantity": "100",
        "reason": "a script",
    }

    for drawn in ({}, {"drawn": "x"}):
        assert admin.post(list_address(Stock), sent | drawn).status_code == 200

    assert on_hand("p1") == 10


@pytest.fixture
def committed_shop(transactional_db: None) -> None:
    product_create(product_id="p1", name="Peat", price=Decimal(1), currency="EUR", weight_grams=1)


def test_a_double_click_at_once(committed_shop: None) -> None:
    # Given two clients with one session
    admin = superuser_client()
    page = question(admin, "receive", Stock.objects.get(pk="p1"))
    twice = [Client(), Client()]
    for client in twice:
        client.cookies = admin.cookies

    # When
    told = at_once(
        *(
            lambda client=client: confirm(client, page, quantity=100, reason="a delivery")
            for client in twice
        )
    )

    # Then
    assert on_hand("p1") == 100
    assert all(
        isinstance(messages, list) and messages[-1] == "Receive: 1 of 1 done." for messages in told
    ), told
    assert Movement.objects.filter(kind="receive").count() == 1


def test_what_it_was_before_is_read_under_the_lock(committed_shop: None) -> None:
    # Given a form for a row that changes before it is sent
    admin = superuser_client()
    page = question(admin, "receive", Stock.objects.get(pk="p1"))
    operators = [superuser_client_named(f"operator{number}") for number in range(4)]
    pages = [question(client, "receive", Stock.objects.get(pk="p1")) for client in operators]

    # When four operators receive at once
    at_once(
        *(
            lambda c=c, p=p: confirm(c, p, quantity=10, reason="a delivery")
            for c, p in zip(operators, pages, strict=True)
        )
    )
    confirm(admin, page, quantity=10, reason="a delivery")

    # Then each audit row begins where the one before ended
    steps = sorted(
        (action.before["on_hand"], action.after["on_hand"])
        for action in OperatorAction.objects.all()
    )
    assert steps == [(0, 10), (10, 20), (20, 30), (30, 40), (40, 50)]


def superuser_client_named(name: str) -> Client:
    client = Client()
    client.force_login(
        get_user_model().objects.create_superuser(name, f"{name}@example.org", "secret")
    )
    return client
