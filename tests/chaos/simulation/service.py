"""One service of the simulation, a process of its own: takes a command a line on its standard
input, answers a line for each.

{"do": "apply", "batch": [["order", "{...}"]], "crash": "worker.after-merge"}
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from decimal import Decimal
from importlib import import_module
from typing import Any
from uuid import UUID

import django

from polder.process import failpoints
from polder.process.failpoints import Failpoint, FailpointReached

_plans = threading.local()


def _reach(point: Failpoint) -> None:
    """What `failpoint` is here, for whoever imports it from now on: each thread has a plan of its
    own."""
    plan: Callable[[Failpoint], None] | None = getattr(_plans, "plan", None)
    if plan is not None:
        plan(point)


failpoints.failpoint = _reach
django.setup()

from django.db import connection  # noqa: E402

from common.contracts.orders import Address, Customer  # noqa: E402
from polder.broker.names import event_queue  # noqa: E402
from polder.inbox import batch_errors  # noqa: E402
from polder.inbox.batch import apply_batch  # noqa: E402
from polder.inbox.delivery import Delivery  # noqa: E402

SERVICE = os.environ["DJANGO_SETTINGS_MODULE"].removesuffix("_service.settings")
# of which service, only the environment knows
use_cases: Any = import_module(f"{SERVICE}_service.services")
BLOCKED = 0.05  # seconds after which the second of two batches is taken to wait for the first

Message = tuple[str, str]  # publisher and body


def apply(batch: Sequence[Message], crash: str | None = None) -> str:
    """What became of it: applied, crashed (undone) or again (a lock or a deadlock)."""

    def plan(point: Failpoint) -> None:
        if point == crash:
            raise FailpointReached(point)

    return _apply(batch, plan)


def apply_two(first: Sequence[Message], second: Sequence[Message], at: str) -> list[str]:
    """The second is applied while the first stands at the point; whoever waits for the other does
    so."""
    there, go_on = threading.Event(), threading.Event()
    outcomes = ["", ""]

    def stop(point: Failpoint) -> None:
        if point == at:
            there.set()
            go_on.wait(timeout=60)

    def run(index: int, batch: Sequence[Message], plan: Callable[[Failpoint], None] | None) -> None:
        outcomes[index] = _apply(batch, plan)
        there.set()
        connection.close()

    threads = [
        threading.Thread(target=run, args=(0, first, stop)),
        threading.Thread(target=run, args=(1, second, None)),
    ]
    threads[0].start()
    there.wait(timeout=60)
    threads[1].start()
    threads[1].join(timeout=BLOCKED)
    go_on.set()
    for thread in threads:
        thread.join()
    return outcomes


def _apply(batch: Sequence[Message], plan: Callable[[Failpoint], None] | None) -> str:
    _plans.plan = plan
    try:
        apply_batch(
            [
                Delivery(event_queue(SERVICE, publisher), publisher, body.encode(), time.time())
                for publisher, body in batch
            ]
        )
    except FailpointReached:
        return "crashed"
    except batch_errors.TransientFailure:
        return "again"
    finally:
        _plans.plan = None
    return "applied"


def publish() -> list[str]:
    """What the relay would take to the broker now, marked as published."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE polder_outbox SET published_at = now() WHERE published_at IS NULL RETURNING "
            "position, body"
        )
        return [body for _, body in sorted(cursor.fetchall())]


def place(lines: dict[str, int]) -> str | None:
    address = Address(line1="Dijk 1", postal_code="2611 AB", city="Delft", country="NL")
    asked = [use_cases.Line(product, count) for product, count in lines.items()]
    try:
        placed = use_cases.order_place(
            customer=Customer.named("Ada", "ada@example.org"), address=address, lines=asked
        )
    except use_cases.UnknownProducts:
        return None
    return str(placed.order.pk)


def cancel(order_id: str) -> bool:
    return _tried(
        lambda: use_cases.order_cancel(order_id=UUID(order_id)), "NotCancellable", "UnknownOrder"
    )


def dispatch(order_id: str) -> bool:
    asked = {"order_id": UUID(order_id), "carrier": "PostNL", "tracking_number": "3S"}
    return _tried(lambda: use_cases.shipment_dispatch(**asked), "NotMovable", "UnknownShipment")


def arrive(order_id: str) -> bool:
    return _tried(
        lambda: use_cases.shipment_deliver(order_id=UUID(order_id)), "NotMovable", "UnknownShipment"
    )


def create(product: str, weight: int | None) -> bool:
    asked = {
        "product_id": product,
        "name": product,
        "price": Decimal("1.50"),
        "currency": "EUR",
        "weight_grams": weight,
    }
    return _tried(lambda: use_cases.product_create(**asked), "ProductExists")


def receive(product: str, quantity: int) -> bool:
    return _tried(
        lambda: use_cases.stock_receive(product_id=product, quantity=quantity),
        "UnknownProduct",
        "RetiredProduct",
    )


def change(product: str, weight: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT version FROM inventory_product WHERE product_id = %s", [product])
        known = cursor.fetchone()
    asked = {"product_id": product, "changes": {"weight_grams": weight}}
    return known is not None and _tried(
        lambda: use_cases.product_change(versions=[known[0]], **asked), "RetiredProduct"
    )


def retire(product: str) -> bool:
    return _tried(
        lambda: use_cases.product_retire(product_id=product), "UnknownProduct", "RetiredProduct"
    )


def _tried(use_case: Callable[[], object], *refusals: str) -> bool:
    """Whether it was done; what is not legal now is refused, with an exception of one of these
    names."""
    try:
        use_case()
    except Exception as error:
        if {kind.__name__ for kind in type(error).__mro__}.isdisjoint(refusals):
            raise
        return False
    return True


COMMANDS: dict[str, Callable[..., Any]] = {
    command.__name__: command
    for command in (
        apply,
        apply_two,
        publish,
        place,
        cancel,
        dispatch,
        arrive,
        create,
        receive,
        change,
        retire,
    )
}


def main() -> None:
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            answer = {"answer": COMMANDS[asked.pop("do")](**asked)}
        except Exception as error:
            answer = {"error": repr(error)}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
