"""How far behind its publishers a service certainly is, on the real servers."""

from __future__ import annotations

import json
from collections.abc import Callable

from deploy.local.stack import Stack
from tests.blackbox.shop import OWNERS, Shop, until
from tests.disturbed import DisturbedStack

SLOW = 120.0  # seconds, on a machine that does much else
LITTLE, MUCH = 10.0, 15.0  # seconds behind


def behind(stack: Stack, service: str) -> dict[str, float | None]:
    """By publisher."""
    found = json.loads(stack.manage(service, "replicas", "--json"))
    return {one["replica"].partition(".")[0]: one["seconds_behind"] for one in found}


def wait_until(
    stack: Stack, service: str, publisher: str, holds: Callable[[float], bool], what: str
) -> dict[str, float | None]:
    """What all of them are then."""
    seen: list[dict[str, float | None]] = []

    def look() -> bool:
        seen.append(behind(stack, service))
        now = seen[-1][publisher]
        return now is not None and holds(now)

    until(look, f"{service} is {what} behind {publisher}", SLOW, every=0.5)
    return seen[-1]


def test_every_service_knows_it_and_says_so(stack: DisturbedStack, shop: Shop) -> None:
    for service in OWNERS:
        for publisher in behind(stack, service):
            wait_until(stack, service, publisher, lambda now: now < LITTLE, "little")


def test_a_publisher_that_says_nothing(stack: DisturbedStack, shop: Shop) -> None:
    stack.stop_process("inventory-relay")

    seen = wait_until(stack, "shipping", "inventory", lambda now: now > MUCH, "much")
    assert (seen["order"] or SLOW) < MUCH, seen

    stack.start_process("inventory-relay")
    wait_until(stack, "shipping", "inventory", lambda now: now < LITTLE, "little")


def test_an_event_that_cannot_be_applied_now(stack: DisturbedStack, shop: Shop) -> None:
    """Somebody holds its row: what is behind it in the queue is handled, and the service is behind
    all the same."""
    held, other = (shop.new_product(weight=1, on_hand=1) for _ in range(2))
    until(
        lambda: (
            shop.rows("shipping", "SELECT FROM replica_product WHERE key = %s", held)
            and shop.rows("shipping", "SELECT FROM replica_product WHERE key = %s", other)
        ),
        "shipping knows the products",
        SLOW,
    )
    with shop.database("shipping") as database, database.transaction():
        database.execute("SELECT FROM replica_product WHERE key = %s FOR UPDATE", [held])
        for product in (held, other):
            path = f"/api/products/{product}/"
            assert shop.patch("inventory", path, {"weightGrams": 2}, 1)[0] == 200
        changed = "SELECT FROM replica_product WHERE key = %s AND version = 2"
        until(lambda: shop.rows("shipping", changed, other), "the other is applied", SLOW)

        seen = wait_until(stack, "shipping", "inventory", lambda now: now > MUCH, "much")
        assert (seen["order"] or SLOW) < MUCH, seen
    wait_until(stack, "shipping", "inventory", lambda now: now < LITTLE, "little")
