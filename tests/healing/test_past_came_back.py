"""Each service in turn is set back by a backup of its database; what it has forgotten, nobody acts
on, and it says so at once. Nothing heals the shop afterwards, so these tests come last.
"""

from __future__ import annotations

import json
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.backup import Backup
from tests.blackbox.shop import ADDRESS, CUSTOMER, Shop, until
from tests.standing import Standing

NOTICED = SLOW = 120.0  # seconds, on a machine that does much else; a few on an idle one


def fenced(shop: Shop, service: str) -> dict[str, int]:
    """What the service has been told that it has forgotten: key -> version."""
    return {
        f"{aggregate} {key}": version
        for aggregate, key, version in shop.rows(
            service, "SELECT aggregate, key, known_version FROM polder_outbox_fenced"
        )
    }


def wait_until_noticed(shop: Shop, service: str, *what: str) -> None:
    until(
        lambda: set(what) <= fenced(shop, service).keys(),
        f"{service} knows that it has forgotten {', '.join(what)}",
        NOTICED,
    )
    problems = shop.get(service, "/readyz")[1]["problems"]
    assert [problem for problem in problems if "this service's past came back" in problem], problems


def place_ready(shop: Shop, **products: int) -> str:
    """An order whose shipment may leave."""
    order = shop.place(**products)
    shop.wait_for("shipping", order, "ready", SLOW)
    shop.wait_for("order", order, "confirmed", SLOW)
    return order


def place(shop: Shop, key: str, **products: int) -> tuple[int, Any]:
    lines = [{"productId": product, "quantity": quantity} for product, quantity in products.items()]
    return shop.post(
        "order",
        "/api/orders/",
        {"customer": CUSTOMER, "shippingAddress": ADDRESS, "products": lines},
        key=key,
    )


def test_shipping_dispatches_nothing_a_second_time(standing: Standing, tmp_path: Path) -> None:
    stack, shop, _ = standing
    order = place_ready(shop, p3=1)
    backup = Backup(stack, "shipping", tmp_path)
    assert shop.dispatch(order)[0] == 200
    assert shop.deliver(order)[0] == 200
    shop.wait_for("order", order, "delivered", SLOW)
    shop.wait_for("inventory", order, "consumed", SLOW)

    backup.restore()
    wait_until_noticed(shop, "shipping", f"shipment {order}")

    status, problem = shop.dispatch(order)
    assert (status, problem["type"]) == (409, "/problems/fenced/"), problem
    assert problem["knownVersion"] == 4
    assert shop.get("shipping", f"/api/shipments/{order}/")[1]["status"] == "ready"
    [told] = json.loads(stack.manage("shipping", "regressed", "--json"))
    assert (told["aggregate"], told["key"], told["known_version"]) == ("shipment", order, 4)
    assert [
        count
        for (count,) in shop.rows(
            "shipping",
            "SELECT count(*) FROM polder_outbox WHERE type = 'ShipmentDispatched' AND subject = %s",
            order,
        )
    ] == [0]

    # And what it has not forgotten, it goes on with
    another = place_ready(shop, p3=1)
    assert shop.dispatch(another)[0] == 200


def test_nothing_is_decided_before_the_neighbours_have_answered(
    standing: Standing, tmp_path: Path
) -> None:
    """From the first moment at which it answers at all, what has left cannot leave again."""
    stack, shop, _ = standing
    order = place_ready(shop, p3=1)
    backup = Backup(stack, "shipping", tmp_path)
    assert shop.dispatch(order)[0] == 200
    shop.wait_for("inventory", order, "consumed", SLOW)
    answers: list[int] = []

    def dispatch() -> bool:
        with suppress(OSError, HTTPException):
            answers.append(shop.dispatch(order)[0])
        return bool(answers)

    backup.restore()
    until(dispatch, "shipping answers", SLOW)

    assert answers == [409]
    assert shop.get("shipping", f"/api/shipments/{order}/")[1]["status"] == "ready"


@pytest.mark.long
def test_inventory_changes_no_price_and_takes_no_stock_that_it_does_not_know(
    standing: Standing, tmp_path: Path
) -> None:
    stack, shop, _ = standing
    known, other = (
        shop.new_product(weight=100, on_hand=10),
        shop.new_product(weight=100, on_hand=10),
    )
    backup = Backup(stack, "inventory", tmp_path)
    for version, amount in enumerate(("41.00", "42.00", "43.00"), start=1):
        assert (
            shop.patch(
                "inventory",
                f"/api/products/{known}/",
                {"price": {"amount": amount, "currency": "EUR"}},
                version,
            )[0]
            == 200
        )
    left, ready = place_ready(shop, **{known: 1}), place_ready(shop, **{known: 1})
    assert shop.dispatch(left)[0] == 200
    shop.wait_for("order", left, "shipped", SLOW)
    shop.wait_for("inventory", left, "consumed", SLOW)
    until(
        lambda: shop.rows(
            "order", "SELECT FROM replica_product WHERE key = %s AND version = 4", known
        ),
        "order knows the price",
    )

    backup.restore()
    wait_until_noticed(
        shop,
        "inventory",
        f"product {known}",
        f"stock {known}",
        f"reservation {left}",
        f"reservation {ready}",
    )

    # When
    status, problem = shop.patch(
        "inventory", f"/api/products/{known}/", {"price": {"amount": "77.00", "currency": "EUR"}}, 1
    )

    # Then neither price nor stock goes on from what it was, and what is not forgotten is decided
    assert (status, problem["type"], problem["knownVersion"]) == (409, "/problems/fenced/", 4), (
        problem
    )
    free, waiting = shop.place(**{other: 1}), shop.place(**{known: 1})
    shop.wait_for("order", free, "confirmed", SLOW)
    shop.wait_for("order", waiting, "pending", SLOW)
    assert shop.rows(
        "inventory", "SELECT on_hand, reserved FROM inventory_stock WHERE product_id = %s", known
    ) == [(10, 0)]
    assert not shop.rows(
        "inventory", "SELECT FROM inventory_reservation WHERE order_id IN (%s, %s)", left, ready
    )
    assert not shop.rows("inventory", "SELECT FROM polder_inbox_parkedevent")


@pytest.mark.long
def test_order_does_not_take_an_order_twice(standing: Standing, tmp_path: Path) -> None:
    stack, shop, _ = standing
    backup = Backup(stack, "order", tmp_path)
    key = str(uuid4())
    status, placed = place(shop, key, p3=1)
    assert status == 201
    order = str(placed["orderId"])
    shop.wait_for("shipping", order, "ready", SLOW)
    orders = shop.rows("order", "SELECT count(*) FROM orders")

    backup.restore()
    wait_until_noticed(shop, "order", f"order {order}")

    # When the client asks for the answer that it may not have got
    status, problem = place(shop, key, p3=1)

    assert (status, problem["type"]) == (503, "/problems/past-came-back/"), problem
    assert shop.get("order", f"/api/orders/{order}/")[0] == 404
    assert shop.rows("order", "SELECT count(*) + 1 FROM orders") == orders

    # Until somebody takes it upon himself
    stack.manage("order", "regressed", "--accept", "--all", "--by", "ada", "--reason", "a test")
    assert place(shop, key, p3=1)[0] == 201
