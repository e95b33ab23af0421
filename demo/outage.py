"""Step six: inventory is away, and the shop goes on."""

from __future__ import annotations

import time
from statistics import median

from demo.stage import KETTLE, PATIENCE, Stage
from outside.shop import expect, until

ORDERS = 8
SERVICE = "inventory"


def orders_while_inventory_is_stopped(stage: Stage) -> None:
    leaving = stage.place_ready(**{KETTLE: 1})
    with stage.debts.putting_back(f"Start {SERVICE} again", lambda: stage.processes.start(SERVICE)):
        with stage.teller.step(f"Stop {SERVICE}: its API, worker, relay and beat"):
            stage.processes.stop(SERVICE)
        order_ids = _place(stage)
        expect(stage.shop.dispatch(leaving), 200)
        stage.teller.line("A shipment that was ready is dispatched all the same.")
        with stage.teller.turning("the order service hears of the dispatch"):
            until(lambda: stage.shop.get("order", f"/api/orders/{leaving}/")[1]["status"] == "shipped", "the order is shipped", PATIENCE)
        waiting = "SELECT count(*) FROM orders WHERE id = ANY(%s::uuid[]) AND status = 'pending'"
        [[pending]] = stage.shop.rows("order", waiting, order_ids)
        stage.teller.line(f"{pending} of {ORDERS} orders wait for inventory; the one that left is shipped.")
    _settled(stage, order_ids, leaving)


def _place(stage: Stage) -> list[str]:
    took, order_ids = [], []
    for _ in range(ORDERS):
        began = time.monotonic()
        order_ids.append(stage.shop.place(**{KETTLE: 1}))
        took.append((time.monotonic() - began) * 1000)
    stage.teller.line(f"{ORDERS} orders are placed and accepted, each in {median(took):.0f} ms at the median: pending.")
    return order_ids


def _settled(stage: Stage, order_ids: list[str], leaving: str) -> None:
    """Tells how many are decided whenever that has changed."""
    began, told = time.monotonic(), 0
    sql = "SELECT count(*) FROM orders WHERE id = ANY(%s::uuid[]) AND status = 'confirmed'"

    def all_confirmed() -> bool:
        nonlocal told
        [[confirmed]] = stage.shop.rows("order", sql, order_ids)
        if confirmed > told:
            stage.teller.line(f"{(time.monotonic() - began) * 1000:>5.0f} ms after it is back: {confirmed} of {ORDERS} confirmed")
            told = confirmed
        return bool(confirmed == ORDERS)

    with stage.teller.turning("inventory decides what has waited"):
        until(all_confirmed, "all orders are confirmed", PATIENCE)
    stage.wait(leaving, "shipped", "consumed", "dispatched")
    stage.teller.line("What left meanwhile is taken from the stock.")
