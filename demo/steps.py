"""The story, step by step. The docstrings are what is said before each."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial

from demo.stage import PATIENCE, Stage
from demo.standing import make, putting_back, wait_until_known
from tests.blackbox.copies import COPIES, SUBSCRIPTIONS
from tests.blackbox.operator import Operator
from tests.blackbox.shop import Unexpected, duplicates, expect, until
from tests.blackbox.wire import send

# Of the demo alone, so that nothing else is ordered away under it. Each run receives more of them.
KETTLE, LAMP = "demo-kettle", "demo-lamp"
PRODUCTS = {
    KETTLE: {
        "name": "Kettle (demo)",
        "price": {"amount": "24.50", "currency": "EUR"},
        "weightGrams": 900,
    },
    LAMP: {
        "name": "Storm lamp (demo)",
        "price": {"amount": "39.00", "currency": "EUR"},
        "weightGrams": 1400,
    },
}
RECEIVED, WAITING, EVENTS = 20, 8, 100
# Inventory journals each line of an order once, and a unique constraint sees to it. A row that is
# there already, entered by hand, lets the journal's own row fail, and with it everything that the
# event led to.
STRAY = (
    "INSERT INTO inventory_movement (product_id, kind, on_hand, reserved, cause, reason, "
    "created_at) VALUES (%s, 'reserve', 0, 0, %s, %s, now())"
)
BY_HAND = "entered by hand (make demo)"
NEWEST = (
    "SELECT created_at, body FROM polder_outbox WHERE published_at IS NOT NULL ORDER BY position "
    "DESC LIMIT %s"
)


def products_received(stage: Stage) -> None:
    """Products are received

    Inventory takes stock in and says so in events, of which each line below is one: when it was
    committed after the request, and when each subscriber had applied it. Order and shipping keep
    copies of what they need, so nobody ever has to call inventory.
    """
    with stage.following(lambda: True, "order and shipping know of them") as shop:
        for product_id, product in PRODUCTS.items():
            # 201 when it is new or was retired, 409 when an earlier run left it here.
            expect(
                shop.post("inventory", "/api/products/", {"productId": product_id, **product}),
                201,
                409,
            )
            expect(
                shop.post(
                    "inventory", f"/api/products/{product_id}/receive/", {"quantity": RECEIVED}
                ),
                200,
            )
    for product_id in PRODUCTS:
        wait_until_known(stage.shop, product_id)
        stage.say(f"{product_id}: {RECEIVED} received, {stage.available(product_id)} available")


def order_that_ships(stage: Stage) -> None:
    """An order ships

    One request to the order service, and three services work it off by telling each other what
    happened: stock is held, the shipment gets ready, it leaves.
    """
    order_id = stage.place_ready(**{KETTLE: 2, LAMP: 1})
    stage.say("The warehouse dispatches it:")
    with stage.following(
        stage.reaches(order_id, "shipped", "consumed", "dispatched"), "the order is shipped"
    ) as shop:
        expect(shop.dispatch(order_id), 200)
    stage.ended(order_id, "shipped", "consumed", "dispatched")


def order_rejected(stage: Stage) -> None:
    """An order is rejected for lack of stock

    The order service accepts it against its copy; inventory alone decides, all lines or none. What
    was prepared for it must be undone.
    """
    wait_until_known(stage.shop, LAMP)
    wanted = stage.available(LAMP) + 5
    order_id = stage.shop.place(**{KETTLE: 1, LAMP: wanted})
    stage.ended(order_id, "rejected", "rejected", "cancelled")
    [shortage] = expect(stage.shop.get("order", f"/api/orders/{order_id}/"), 200)["reservation"][
        "shortages"
    ]
    stage.say(
        f"The order tells why: {shortage['productId']}: {shortage['quantity']} wanted, "
        f"{shortage['available']} available."
    )


def order_cancelled(stage: Stage) -> None:
    """An order is cancelled after its reservation

    Shipping alone decides whether it still can be. Then what was held has to become available
    again, once.
    """
    before = stage.available(KETTLE)
    order_id = stage.place_ready(**{KETTLE: 4})
    stage.say("The customer cancels; the answer is 202, the outcome comes later:")
    with stage.following(
        stage.reaches(order_id, "cancelled", "released", "cancelled"),
        "the stock is available again",
    ) as shop:
        expect(shop.cancel(order_id), 202)
    stage.ended(order_id, "cancelled", "released", "cancelled")
    if (after := stage.available(KETTLE)) != before:
        raise Unexpected(f"{before} of {KETTLE} were available before, {after} are after")
    stage.say(f"{KETTLE}: {before} available before, {before} after.")


def cancel_that_loses(stage: Stage) -> None:
    """A cancel loses against a dispatch

    The customer cancels while the parcel is leaving. One of the two must win, and all three
    services must agree which. A row lock keeps the cancel from shipping for a moment, so that the
    dispatch is first.
    """
    order_id = stage.place_ready(**{LAMP: 1})
    agreed = stage.following(
        stage.reaches(order_id, "shipped", "consumed", "dispatched"), "the three agree"
    )
    # Shipping's worker cannot apply the request before the transaction ends.
    with agreed as shop, stage.shop.database("shipping") as shipping, shipping.transaction():
        shipping.execute("SELECT FROM replica_order WHERE key = %s FOR UPDATE", [order_id])
        stage.say(
            f"The customer cancels: the order is {expect(shop.cancel(order_id), 202)['status']}. "
            "The warehouse dispatches:"
        )
        expect(shop.dispatch(order_id), 200)
    stage.ended(order_id, "shipped", "consumed", "dispatched")


def orders_while_inventory_is_stopped(stage: Stage) -> None:
    """Inventory is stopped, and orders are taken

    All processes of inventory end. The others must go on working, and what they said meanwhile must
    be waiting for it.
    """
    leaving = stage.place_ready(**{KETTLE: 1})
    with putting_back(lambda: make(stage.run_dir, "start", "inventory")):
        make(stage.run_dir, "stop", "inventory")
        stage.say("Inventory is stopped: its API, worker, relay and beat.")
        orders = [stage.shop.place(**{KETTLE: 1}) for _ in range(WAITING)]
        expect(stage.shop.dispatch(leaving), 200)
        shipped = partial(stage.shop.get, "order", f"/api/orders/{leaving}/")
        until(lambda: shipped()[1]["status"] == "shipped", "the order is shipped", PATIENCE)
        waiting = "SELECT count(*) FROM orders WHERE id = ANY(%s::uuid[]) AND status = 'pending'"
        [[pending]] = stage.shop.rows("order", waiting, orders)
        stage.say(
            f"{pending} of {WAITING} orders are accepted and wait for inventory; a shipment that "
            "was ready has left."
        )
    for order_id in orders:
        until(
            stage.reaches(order_id, "confirmed", "held", "ready"),
            f"{order_id} is decided",
            PATIENCE,
        )
    stage.say(
        f"Inventory is back: all {WAITING} are confirmed, and what left meanwhile is taken from "
        "the stock."
    )
    stage.ended(leaving, "shipped", "consumed", "dispatched")


def events_repeated_and_shuffled(stage: Stage) -> None:
    """100 events come again, shuffled

    Delivery is at least once and in any order; the effect must be once. The ledgers have to
    recognise every one of them.
    """
    shop = stage.shop
    published = [
        (at, owner, body)
        for owner in SUBSCRIPTIONS
        for at, body in shop.rows(owner, NEWEST, EVENTS)
    ]
    chosen = sorted(published, reverse=True)[:EVENTS]
    random.shuffle(chosen)
    counted, before = duplicates(shop), _versions(stage)
    for owner in SUBSCRIPTIONS:
        send(
            shop.variables["AMQP_URL"],
            f"{owner}.events",
            [body.encode() for _, sender, body in chosen if sender == owner],
        )
    expected = len(chosen) * 2
    until(
        lambda: duplicates(shop) - counted >= expected,
        f"{expected} deliveries are counted as duplicates",
        PATIENCE,
    )
    stage.say(
        f"{len(chosen)} events at two subscribers each: {duplicates(shop) - counted} deliveries "
        "that the ledgers count as duplicates."
    )
    moved = [replica for replica, rows in _versions(stage).items() if rows != before[replica]]
    stage.say(f"Replicas that moved: {', '.join(moved) or 'none'}.")


def poison_parked_and_redriven(stage: Stage) -> None:
    """A poison event is parked and redriven

    An event that cannot be applied is put aside whole, with the reason, and stops nothing else. The
    cause is removed, and an operator redrives it.
    """
    operator = Operator.of(stage.shop, "inventory")
    spoiled: list[str] = []
    parked = partial(
        stage.shop.rows,
        "inventory",
        "SELECT id, reason, state FROM polder_inbox_parkedevent WHERE subject = ANY(%s)",
        spoiled,
    )

    def repair() -> None:
        stage.shop.rows(
            "inventory", "DELETE FROM inventory_movement WHERE reason = %s RETURNING 1", BY_HAND
        )
        for key, _, state in parked():
            if state == "parked":
                operator.redrive(key, reason="make demo: the stray row is gone")

    with putting_back(repair):
        # The lock keeps inventory from trying before the stray row is there.
        with stage.shop.database("inventory") as inventory, inventory.transaction():
            inventory.execute(
                "SELECT FROM inventory_stock WHERE product_id = %s FOR UPDATE", [KETTLE]
            )
            spoiled.append(stage.shop.place(**{KETTLE: 1}))
            inventory.execute(STRAY, [KETTLE, spoiled[0], BY_HAND])
        stage.say(
            f"Order {spoiled[0]} is placed; inventory's stock journal already has a line for it."
        )
        until(parked, "the event is parked", PATIENCE)
        stage.say(
            f"OrderCreated is parked by inventory. Reason: {parked()[0][1]}. The next order goes "
            "through meanwhile:"
        )
        stage.place_ready(**{LAMP: 1})
    if parked()[0][2] != "redriven":
        raise Unexpected(f"the parked event is {parked()[0][2]} after its redrive")
    stage.say(
        "The stray row is deleted, and an operator redrives the event at the admin, with a reason."
    )
    stage.ended(spoiled[0], "confirmed", "held", "ready")


def _versions(stage: Stage) -> dict[str, list[tuple[str, int]]]:
    return {
        copy.replica: stage.shop.rows(
            copy.subscriber, f"SELECT key::text, version FROM replica_{copy.aggregate} ORDER BY 1"
        )
        for copy in COPIES
    }


STEPS: tuple[Callable[[Stage], None], ...] = (
    products_received,
    order_that_ships,
    order_rejected,
    order_cancelled,
    cancel_that_loses,
    orders_while_inventory_is_stopped,
    events_repeated_and_shuffled,
    poison_parked_and_redriven,
)
