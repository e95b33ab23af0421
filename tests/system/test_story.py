"""The story and its corners, through HTTP on the real processes: what must always come out, whoever
is away."""

from __future__ import annotations

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

from deploy.local.stack import Stack
from tests.blackbox.shop import Shop, until
from tests.disturbed import DisturbedStack

AT_ONCE = 200


def stock_of(shop: Shop, product_id: str) -> tuple[int, int, int]:
    """On hand, reserved and available."""
    _, product = shop.get("inventory", f"/api/products/{product_id}/")
    return product["onHand"], product["reserved"], product["available"]


def test_placed_reserved_dispatched_delivered(shop: Shop) -> None:
    # Given
    product = shop.new_product(weight=400, on_hand=10)
    order_id = shop.place_ready(**{product: 3})
    assert stock_of(shop, product) == (10, 3, 7)

    # When it leaves, Then its stock is consumed and its order shipped
    status, shipment = shop.dispatch(order_id)
    assert (status, shipment["status"], shipment["weightGrams"]) == (200, "dispatched", 1200)
    shop.wait_for("order", order_id, "shipped")
    shop.wait_for("inventory", order_id, "consumed")
    assert stock_of(shop, product) == (7, 0, 7)
    assert (
        shop.get("inventory", f"/api/movements/?cause={order_id}&kind=consume")[1]["results"][0][
            "onHand"
        ]
        == -3
    )

    # When it arrives
    assert shop.deliver(order_id)[0] == 200
    shop.wait_for("order", order_id, "delivered")
    assert (
        shop.get("order", f"/api/orders/{order_id}/")[1]["shipment"]["trackingNumber"]
        == f"3S{order_id[-8:]}"
    )


def test_a_subscriber_tells_when_it_has_applied_a_write(shop: Shop) -> None:
    product = {
        "productId": f"t-{uuid4().hex[:8]}",
        "name": "Tent",
        "price": {"amount": "99.00", "currency": "EUR"},
    }
    _, created = shop.post("inventory", "/api/products/", product)

    status, applied = shop.get("order", f"/ops/applied/{created['eventId']}?wait=5")

    assert (status, applied["outcome"]) == (200, "applied")
    assert any(
        row["productId"] == product["productId"]
        for row in shop.get("order", "/api/products/?name=Tent&limit=200")[1]["results"]
    )


def test_cancelled_after_its_reservation(shop: Shop) -> None:
    # Given
    product = shop.new_product(weight=400, on_hand=10)
    order_id = shop.place_ready(**{product: 4})

    # When
    status, asked = shop.cancel(order_id)

    # Then
    assert (status, asked["orderId"]) == (202, order_id)
    shop.wait_for("order", order_id, "cancelled")
    shop.wait_for("inventory", order_id, "released")
    assert stock_of(shop, product) == (10, 0, 10)
    assert shop.dispatch(order_id)[0] == 409
    assert shop.cancel(order_id)[0] == 409


def test_the_timeline_of_an_order_across_the_services(stack: DisturbedStack, shop: Shop) -> None:
    """As an operator asks any service for it; a service that is away is named."""
    product = shop.new_product(weight=400, on_hand=10)
    order_id = shop.place_ready(**{product: 4})
    shop.cancel(order_id)
    shop.wait_for("inventory", order_id, "released")

    def story() -> dict[str, Any]:
        told = stack.manage("shipping", "timeline", order_id, "--json")
        found: dict[str, Any] = json.loads(told)
        return found

    until(lambda: all_applied(story()), "each event was applied wherever it is subscribed to")
    told = story()
    assert not (told["silent"])
    assert not (told["gaps"])
    assert not (told["isCut"])
    assert {(one["service"], one["status"]) for one in told["here"] if one["owned"]} == {
        ("order", "cancelled"),
        ("inventory", "released"),
        ("shipping", "cancelled"),
    }

    stack.stop_process("inventory-web")
    assert [one["service"] for one in story()["silent"]] == ["inventory"]
    stack.start_process("inventory-web")


def all_applied(story: dict[str, Any]) -> bool:
    outcomes = {one["outcome"] for entry in story["entries"] for one in entry["receipts"]}
    return len(story["entries"]) >= 7 and outcomes <= {"applied", "stale"}


def test_rejected_for_lack_of_stock(shop: Shop) -> None:
    product = shop.new_product(weight=400, on_hand=2)
    order_id = shop.place(**{product: 3})

    shop.wait_for("order", order_id, "rejected")
    shop.wait_for("shipping", order_id, "cancelled")
    assert stock_of(shop, product) == (2, 0, 2)


def test_a_cancel_that_loses_against_a_dispatch(stack: Stack, shop: Shop) -> None:
    # Given a shipment that has left, of which the order service has not heard
    product = shop.new_product(weight=400, on_hand=10)
    order_id = shop.place_ready(**{product: 1})
    stack.stop_process("order-worker")
    assert shop.dispatch(order_id)[0] == 200

    # When somebody cancels
    status, asked = shop.cancel(order_id)
    assert (status, asked["status"]) == (202, "cancelling")
    stack.start_process("order-worker")

    # Then it is shipped all the same
    shop.wait_for("order", order_id, "shipped")
    until(
        lambda: shop.statuses(order_id) == ("shipped", "consumed", "dispatched"), "all three agree"
    )


def test_while_inventory_is_down(stack: Stack, shop: Shop) -> None:
    # Given a ready shipment, and another order whose stock is held
    product = {shop.new_product(weight=400, on_hand=10): 1}
    leaving, staying = shop.place_ready(**product), shop.place_ready(**product)
    stack.stop_process("inventory")

    # When: orders are accepted, what is ready leaves, and a cancel is decided
    pending, regretted = shop.place(**product), shop.place(**product)
    assert shop.dispatch(leaving)[0] == 200
    assert [shop.cancel(order_id)[0] for order_id in (staying, regretted)] == [202, 202]
    shop.wait_for("order", leaving, "shipped")
    for order_id in (staying, regretted):
        shop.wait_for("order", order_id, "cancelled")

    # Then inventory does its part when it is back, and reserves nothing for what was cancelled
    # meanwhile
    stack.start_process("inventory")
    shop.wait_for("order", pending, "confirmed")
    until(lambda: shop.statuses(leaving)[1] == "consumed", "what left is consumed")
    until(lambda: shop.statuses(staying)[1] == "released", "what was cancelled is released")
    until(
        lambda: shop.statuses(regretted)[1] in (None, "released"),
        "what was never reserved stays so",
    )


def test_while_shipping_is_down(stack: Stack, shop: Shop) -> None:
    # Given
    product = {shop.new_product(weight=400, on_hand=10): 1}
    confirmed = shop.place_ready(**product)
    stack.stop_process("shipping")

    # When: orders are confirmed, and a cancel waits
    new = shop.place(**product)
    shop.wait_for("order", new, "confirmed")
    assert shop.cancel(confirmed)[0] == 202
    assert shop.get("order", f"/api/orders/{confirmed}/")[1]["status"] == "cancelling"

    # Then shipping decides when it is back
    stack.start_process("shipping")
    shop.wait_for("order", confirmed, "cancelled")
    shop.wait_for("shipping", new, "ready")


def test_a_product_without_a_weight(shop: Shop) -> None:
    # Given
    product, other = (
        shop.new_product(weight=None, on_hand=5),
        shop.new_product(weight=1800, on_hand=5),
    )
    order_id = shop.place(**{product: 2, other: 1})
    shop.wait_for("order", order_id, "confirmed")

    # Then it is prepared and cannot leave
    until(
        lambda: shop.get("shipping", f"/api/shipments/{order_id}/")[0] == 200,
        "the shipment is prepared",
    )
    status, problem = shop.dispatch(order_id)
    assert (status, problem["shipmentStatus"]) == (409, "prepared")
    assert product in problem["detail"]

    # When its weight is known
    assert (
        shop.patch("inventory", f"/api/products/{product}/", {"weightGrams": 250}, version=1)[0]
        == 200
    )

    # Then it becomes ready by itself
    shop.wait_for("shipping", order_id, "ready")
    assert shop.get("shipping", f"/api/shipments/{order_id}/")[1]["weightGrams"] == 2 * 250 + 1800
    assert shop.dispatch(order_id)[0] == 200


def test_two_hundred_orders_at_once_for_the_last_ten(shop: Shop) -> None:
    # Given
    product = shop.new_product(weight=100, on_hand=10)

    # When
    with ThreadPoolExecutor(32) as pool:
        order_ids = list(pool.map(lambda _: shop.place(**{product: 1}), range(AT_ONCE)))

    # Then
    def decided() -> Counter[str]:
        found = shop.rows(
            "order", "SELECT status FROM orders WHERE id = ANY(%s::uuid[])", order_ids
        )
        return Counter(status for (status,) in found)

    until(lambda: decided()["pending"] == 0, "all are decided")
    assert decided() == {"confirmed": 10, "rejected": AT_ONCE - 10}
    assert stock_of(shop, product) == (10, 10, 0)
