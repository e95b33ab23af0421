"""Steps one to five: products come in, and orders go through the three services."""

from __future__ import annotations

from demo.following import LEGEND
from demo.stage import KETTLE, LAMP, Stage
from outside.shop import Unexpected, expect, until

RECEIVED = 20
PRODUCTS = {
    KETTLE: {"name": "Kettle (demo)", "price": {"amount": "24.50", "currency": "EUR"}, "weightGrams": 900},
    LAMP: {"name": "Storm lamp (demo)", "price": {"amount": "39.00", "currency": "EUR"}, "weightGrams": 1400},
}


def products_received(stage: Stage) -> None:
    stage.teller.sentence(LEGEND, "")
    with stage.request() as (shop, following):
        for product_id, product in PRODUCTS.items():
            # 201 when it is new or was retired, 409 when an earlier run left it here.
            expect(shop.post("inventory", "/api/products/", {"productId": product_id, **product}), 201, 409)
            expect(shop.post("inventory", f"/api/products/{product_id}/receive/", {"quantity": RECEIVED}), 200)
        following.until(lambda: True, "order and shipping know of them")
    for product_id in PRODUCTS:
        stage.teller.line(f"{product_id}: {RECEIVED} received, {available(stage, product_id)} available")


def order_that_ships(stage: Stage) -> None:
    order_id = stage.place_ready(**{KETTLE: 2, LAMP: 1})
    stage.teller.line("The warehouse dispatches it:")
    with stage.request() as (shop, following):
        expect(shop.dispatch(order_id), 200)
        following.until(lambda: stage.shop.statuses(order_id) == ("shipped", "consumed", "dispatched"), "the order is shipped")
    stage.ended(order_id)


def order_rejected(stage: Stage) -> None:
    wanted = available(stage, LAMP) + 5
    stage.teller.line(f"Ordered: 1 {KETTLE} and {wanted} {LAMP}, of which {wanted - 5} are available.")
    with stage.request() as (shop, following):
        order_id = shop.place(**{KETTLE: 1, LAMP: wanted})
        following.until(lambda: stage.shop.statuses(order_id) == ("rejected", "rejected", "cancelled"), "the order is rejected")
    _, order = stage.shop.get("order", f"/api/orders/{order_id}/")
    [shortage] = order["reservation"]["shortages"]
    stage.ended(order_id)
    stage.teller.line(f"The order tells why: {shortage['productId']}: {shortage['quantity']} wanted, {shortage['available']} available.")


def order_cancelled(stage: Stage) -> None:
    before = available(stage, KETTLE)
    order_id = stage.place_ready(**{KETTLE: 4})
    stage.teller.line("The customer cancels; the answer is 202, the outcome comes later:")
    with stage.request() as (shop, following):
        expect(shop.cancel(order_id), 202)
        following.until(lambda: stage.shop.statuses(order_id) == ("cancelled", "released", "cancelled"), "the stock is available again")
    stage.ended(order_id)
    after = available(stage, KETTLE)
    if after != before:
        raise Unexpected(f"{before} of {KETTLE} were available before, {after} are after")
    stage.teller.line(f"{KETTLE}: {before} available before, {after} after.")


def cancel_that_loses(stage: Stage) -> None:
    order_id = stage.place_ready(**{LAMP: 1})
    with stage.request() as (shop, following):
        # Shipping's worker cannot apply the request before the block ends.
        with stage.shop.database("shipping") as shipping, shipping.transaction():
            shipping.execute("SELECT FROM replica_order WHERE key = %s FOR UPDATE", [order_id])
            cancelling = expect(shop.cancel(order_id), 202)["status"]
            stage.teller.line(f"The customer cancels: the order is {cancelling}. Shipping has not heard of it, and the warehouse dispatches:")
            expect(shop.dispatch(order_id), 200)
        following.until(lambda: stage.shop.statuses(order_id) == ("shipped", "consumed", "dispatched"), "the three agree")
    stage.ended(order_id)


def available(stage: Stage, product_id: str) -> int:
    """Once the order service has heard of everything that there is, so that nobody orders against yesterday's stock."""

    def agreed() -> bool:
        [[kept]] = stage.shop.rows("order", "SELECT version FROM replica_stock WHERE key = %s", product_id)
        [[owned]] = stage.shop.rows("inventory", "SELECT version FROM inventory_stock WHERE product_id = %s", product_id)
        return bool(kept == owned)

    until(agreed, f"the order service knows the stock of {product_id}")
    return int(expect(stage.shop.get("inventory", f"/api/products/{product_id}/"), 200)["available"])
