"""The story: its steps in order, and what is said before each."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from demo import again, orders, outage, poison
from demo.errors import Differs
from demo.reckoning import compare_all
from demo.stage import Stage


class Step(NamedTuple):
    title: str
    why: str
    run: Callable[[Stage], None]


STEPS = (
    Step(
        "Products are received",
        "Inventory takes stock in and says so in events. Order and shipping keep copies of what they need, so nobody ever has to call inventory.",
        orders.products_received,
    ),
    Step(
        "An order ships",
        "One request to the order service, and three services work it off by telling each other what happened: stock is held, the shipment gets "
        "ready, it leaves.",
        orders.order_that_ships,
    ),
    Step(
        "An order is rejected for lack of stock",
        "The order service accepts it against its copy; inventory alone decides, all lines or none. What was prepared for it must be undone.",
        orders.order_rejected,
    ),
    Step(
        "An order is cancelled after its reservation",
        "Shipping alone decides whether it still can be. Then what was held has to become available again, once.",
        orders.order_cancelled,
    ),
    Step(
        "A cancel loses against a dispatch",
        "The customer cancels while the parcel is leaving. One of the two must win, and all three services must agree which. A row lock keeps the "
        "cancel from shipping for a moment, so that the dispatch is first.",
        orders.cancel_that_loses,
    ),
    Step(
        "Inventory is stopped, and orders are taken",
        "All processes of inventory end. The others must go on working, and what they said meanwhile must be waiting for it.",
        outage.orders_while_inventory_is_stopped,
    ),
    Step(
        f"{again.EVENTS} events come again, shuffled",
        "Delivery is at least once and in any order; the effect must be once. The ledgers have to recognise every one of them.",
        again.events_repeated_and_shuffled,
    ),
    Step(
        "A poison event is parked and redriven",
        "An event that cannot be applied is put aside whole, with the reason, and stops nothing else. The cause is mended, and an operator "
        "redrives it.",
        poison.poison_parked_and_redriven,
    ),
)


def tell(stage: Stage) -> None:
    """Step after step, each followed by the comparison. Raises Differs, DemoFailed or Unexpected, told with the step's title."""
    _compare(stage, "before the first step")
    for number, step in enumerate(STEPS, 1):
        stage.teller.chapter(number, len(STEPS), step.title, step.why)
        try:
            step.run(stage)
        except Exception as error:
            error.add_note(f"Step {number}, {step.title}.")
            raise
        _compare(stage, f"after step {number}, {step.title}")


def _compare(stage: Stage, when: str) -> None:
    try:
        compare_all(stage.shop, stage.teller)
    except Differs as differs:
        stage.teller.say()
        for difference in differs.differences[:3]:
            stage.teller.difference(difference)
        if (more := len(differs.differences) - 3) > 0:
            stage.teller.line(f"and {more} more")
        differs.add_note(f"Found {when}.")
        raise
