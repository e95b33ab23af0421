"""Orders: decided (I12), agreeing with their reservation and shipment (I13), and each answered
under one key (I14)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from datetime import UTC, datetime, timedelta

from tests.blackbox.shop import Shop
from tests.invariants.look import Look, moment_of
from tests.invariants.saga import SAGA
from tests.invariants.violation import Violation

# a little less than the 24 hours after which they may be forgotten
ANSWERS_KEPT = timedelta(hours=23)
_ANSWERED = (
    "SELECT split_part(location, '/', 4) FROM polder_api_idempotentresponse WHERE status = 201 AND "
    "location LIKE '/api/orders/%'"
)


def decided(look: Look) -> Iterator[Violation]:
    """I12 no order is undecided."""
    [[orders, undecided]] = look.shop.rows(
        "order",
        "SELECT count(*), count(*) FILTER (WHERE status IN ('pending', 'cancelling')) FROM orders",
    )
    look.count("I12", "orders", orders)
    if undecided:
        yield Violation("I12", "order", f"{undecided} orders are undecided")


def agreed(look: Look) -> Iterator[Violation]:
    """I13 order, reservation and shipment agree: shipped with its stock consumed, or neither
    dispatched nor held any more."""
    reservations = dict(
        look.shop.rows("inventory", "SELECT order_id, status FROM inventory_reservation")
    )
    shipments = dict(look.shop.rows("shipping", "SELECT order_id, status FROM shipping_shipment"))
    for order_id, status in look.shop.rows("order", "SELECT id, status FROM orders"):
        look.count("I13", "orders", 1)
        reservation, shipment = reservations.get(order_id), shipments.get(order_id)
        legal = SAGA.get(status)
        if legal is not None and not (reservation in legal[0] and shipment in legal[1]):
            yield Violation(
                "I13",
                "order",
                f"{order_id} is {status}, its reservation {reservation}, its shipment {shipment}",
            )


def answered(look: Look, by_hand: Collection[str]) -> Iterator[Violation]:
    """I14 (its half in the database) each order was answered under one idempotency key, and each
    key has one order.

    Of a shop that has lived: the orders of the last 23 hours.
    """
    found = Counter(order_id for (order_id,) in look.shop.rows("order", _ANSWERED))
    existing = {str(key): key for (key,) in look.shop.rows("order", "SELECT id FROM orders")}
    forgotten = {
        order_id
        for order_id, key in existing.items()
        if look.lived and moment_of(key) < datetime.now(UTC) - ANSWERS_KEPT
    }
    orders = existing.keys() - forgotten - set(by_hand)
    look.count("I14", "orders", len(orders))
    if wrong := [
        order_id
        for order_id in orders | (found.keys() - forgotten)
        if found[order_id] != 1 or order_id not in orders
    ]:
        yield Violation(
            "I14",
            "order",
            f"{len(wrong)} orders and answers do not match, such as {wrong[0]}, answered "
            f"{found[wrong[0]]} times",
        )


def check_client(shop: Shop, accepted: dict[str, str]) -> None:
    """I14 every order that was accepted is there, and no two requests got the same one."""
    existing = {str(key) for (key,) in shop.rows("order", "SELECT id FROM orders")}
    assert len(set(accepted.values())) == len(accepted), "I14 two requests got the same order"
    missing = set(accepted.values()) - existing
    assert not missing, f"I14 {len(missing)} accepted orders are not there"
