"""Trade that comes to every state, a service that is set back and healed, and what must hold
afterwards."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from tests.blackbox.shop import OWNERS, Shop, until
from tests.disturbed import DisturbedStack
from tests.invariants import events, messages, orders, replicas
from tests.invariants.look import Look
from tests.invariants.stock import conserved, journal
from tests.invariants.violation import Violation

UNDECIDED = 3  # the command's exit status
SLOW = 180.0  # seconds, on a machine that does much else


@dataclass
class Trade:
    """Orders in every state that there is."""

    shop: Shop
    product: str = ""
    left: set[str] = field(default_factory=set)
    ready: list[str] = field(default_factory=list)
    dispatched: list[str] = field(default_factory=list)
    open: list[str] = field(default_factory=list)

    def some(self) -> None:
        """New orders: some wait, some are ready, on their way, delivered, cancelled, rejected."""
        self.product = self.shop.new_product(weight=100, on_hand=20)
        waiting = self.shop.new_product(weight=None, on_hand=5)
        orders = [self.shop.place(**{self.product: 1}) for _ in range(5)]
        for order in orders:
            self.shop.wait_for("shipping", order, "ready", SLOW)
            self.shop.wait_for("order", order, "confirmed", SLOW)
        ready, dispatched, delivered, cancelled, later = orders
        self.ready.append(ready)
        self._dispatch(dispatched)
        self._dispatch(delivered)
        self._deliver(delivered)
        self.dispatched.append(dispatched)
        assert self.shop.cancel(cancelled)[0] == 202
        self.shop.wait_for("order", cancelled, "cancelled", SLOW)
        rejected = self.shop.place(**{self.product: 1000})
        self.shop.wait_for("order", rejected, "rejected", SLOW)
        self.ready.append(later)
        unweighed = self.shop.place(**{waiting: 1})
        self.shop.wait_for("order", unweighed, "confirmed", SLOW)
        self.open.append(unweighed)

    def go_on(self) -> None:
        """What was there goes on: to be forgotten by whoever is set back behind it."""
        self._deliver(self.dispatched.pop())
        self._dispatch(self.ready.pop())
        assert self.shop.cancel(self.ready.pop())[0] == 202
        product = self.shop.get("inventory", f"/api/products/{self.product}/")[1]
        price = {"price": {"amount": "77.00", "currency": "EUR"}}
        path = f"/api/products/{self.product}/"
        assert self.shop.patch("inventory", path, price, product["version"])[0] == 200
        assert self.shop.post("inventory", f"{path}receive/", {"quantity": 7})[0] == 200

    def nothing_leaves_again(self) -> None:
        """What has left answers that it cannot be dispatched."""
        for order in self.left:
            status, problem = self.shop.dispatch(order)
            assert (status, problem["type"]) == (409, "/problems/not-dispatchable/"), problem

    def _dispatch(self, order: str) -> None:
        assert self.shop.dispatch(order)[0] == 200
        self.left.add(order)
        self.shop.wait_for("order", order, "shipped", SLOW)
        self.shop.wait_for("inventory", order, "consumed", SLOW)

    def _deliver(self, order: str) -> None:
        assert self.shop.deliver(order)[0] == 200
        self.shop.wait_for("order", order, "delivered", SLOW)


def wait_until_noticed(shop: Shop, service: str) -> None:
    until(
        lambda: shop.rows(service, "SELECT FROM polder_outbox_fenced WHERE lifted_at IS NULL"),
        f"{service} knows that it has forgotten something",
        SLOW,
    )


def heal(stack: DisturbedStack, service: str, *arguments: str) -> dict[str, Any]:
    """What `restored` reports, whether or not it leaves something to be decided."""
    try:
        said = stack.manage(service, "restored", "--json", *arguments)
    except subprocess.CalledProcessError as error:
        if error.returncode != UNDECIDED:
            raise
        said = error.stdout
    report: dict[str, Any] = json.loads(said)
    return report


def disagreements(shop: Shop) -> Iterator[Violation]:
    """What does not hold, of all that can be asked of a shop of which a service was set back."""
    look = Look.at(shop)
    return chain(
        events.published(look),
        orders.decided(look),
        orders.agreed(look),
        journal(look),
        conserved(lambda sql: shop.rows("inventory", sql)),
        replicas.equal(look, {}),
        replicas.undrifted(look),
        replicas.of_one_past(look),
        messages.parked(look, dict.fromkeys(OWNERS, 0)),
        messages.queued(look),
    )


def wait_until_all_agrees(shop: Shop, seconds: float = SLOW) -> None:
    """Raises AssertionError listing what does not hold when the time is up."""
    try:
        until(lambda: not list(disagreements(shop)), "all agrees", seconds, every=0.5)
    except AssertionError:
        left = list(disagreements(shop))
        assert not left, "\n".join(f"{v.invariant} {v.where}: {v.detail}" for v in left)
