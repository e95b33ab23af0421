"""The state machine that Hypothesis drives: people at work, and a wire that repeats, reorders,
delays, interleaves and crashes."""

from __future__ import annotations

from collections import Counter
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from tests.blackbox.copies import SUBSCRIPTIONS
from tests.blackbox.shop import OWNERS
from tests.chaos.simulation.world import World

PRODUCTS = ("a", "b")
POINTS = (
    "worker.before-ledger",
    "worker.after-ledger",
    "worker.after-merge",
    "worker.after-reconciling",
    "worker.before-commit",
)
AFTER_COMMIT = "worker.after-commit"

services = st.sampled_from(OWNERS)
products = st.sampled_from(PRODUCTS)
picks = st.lists(st.integers(0, 1_000), min_size=1, max_size=8)


class Simulation(RuleBasedStateMachine):
    """`world` is given by whoever runs it; each run begins with it empty and ends with every
    invariant checked."""

    world: ClassVar[World]
    counted: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.world.reset()
        self.orders: list[str] = []

    @initialize(
        stocked=st.fixed_dictionaries({product: st.integers(0, 6) for product in PRODUCTS}),
        weight=st.one_of(st.none(), st.integers(1, 40_000)),
    )
    def open_shop(self, stocked: dict[str, int], weight: int | None) -> None:
        for product, quantity in stocked.items():
            self.world.ask("inventory", "create", product=product, weight=weight)
            if quantity:
                self.world.ask("inventory", "receive", product=product, quantity=quantity)
        self.world.drain()

    # --- people ----------------------------------------------------------------------------------

    @rule(lines=st.dictionaries(products, st.integers(1, 4), min_size=1))
    def place(self, lines: dict[str, int]) -> None:
        order_id = self.world.ask("order", "place", lines=lines)
        if order_id is not None:
            self.orders.append(order_id)
        self._count("placed" if order_id else "not placed")

    @rule(which=st.integers(0, 1_000))
    def cancel(self, which: int) -> None:
        self._of_an_order("order", "cancel", which)

    @rule(which=st.integers(0, 1_000), rested=st.booleans())
    def dispatch(self, which: int, rested: bool) -> None:
        """At once, or when everything has arrived: before, few shipments are ready."""
        if rested:
            self.world.drain()
        self._of_an_order("shipping", "dispatch", which)

    @rule(which=st.integers(0, 1_000))
    def arrive(self, which: int) -> None:
        self._of_an_order("shipping", "arrive", which)

    @rule(product=products, quantity=st.integers(1, 5))
    def receive(self, product: str, quantity: int) -> None:
        self.world.ask("inventory", "receive", product=product, quantity=quantity)

    @rule(product=products, weight=st.integers(1, 40_000))
    def change(self, product: str, weight: int) -> None:
        self.world.ask("inventory", "change", product=product, weight=weight)

    @rule(product=products)
    def retire(self, product: str) -> None:
        self.world.ask("inventory", "retire", product=product)

    @rule(product=products)
    def create(self, product: str) -> None:
        self.world.ask("inventory", "create", product=product, weight=5)

    # --- the wire --------------------------------------------------------------------------------

    @rule(service=services)
    def relay(self, service: str) -> None:
        self.world.relay(service)

    @rule(
        service=services,
        which=picks,
        crash=st.sampled_from((None, None, None, *POINTS, AFTER_COMMIT)),
    )
    def deliver(self, service: str, which: list[int], crash: str | None) -> None:
        """Some of what waits, in any order, some of it twice; the rest goes on waiting."""
        batch = self._picked(service, which)
        if batch:
            self._done(service, batch, self.world.ask(service, "apply", batch=batch, crash=crash))

    @rule(service=services, which=picks, others=picks, at=st.sampled_from(POINTS))
    def deliver_two(self, service: str, which: list[int], others: list[int], at: str) -> None:
        """Two batches at once, which may have messages in common."""
        batches = [batch for picks in (which, others) if (batch := self._picked(service, picks))]
        if len(batches) == 2:
            first, second = self.world.ask(
                service, "apply_two", first=batches[0], second=batches[1], at=at
            )
            self._done(service, batches[0], first)
            self._done(service, batches[1], second)
            self._count("two at once")

    @rule(service=services, which=picks)
    def repeat(self, service: str, which: list[int]) -> None:
        """What was applied long ago comes again."""
        past = self.world.past[service]
        if past:
            outcome = self.world.ask(
                service, "apply", batch=[past[pick % len(past)] for pick in which]
            )
            assert outcome == "applied", outcome
            self._count("repeated")

    @rule()
    def rest(self) -> None:
        """Everything arrives, for once; what people do next, they do to orders that are decided."""
        self.world.drain()

    def teardown(self) -> None:
        self.world.drain()
        self.world.check()
        self._count("runs")

    # --- inside ----------------------------------------------------------------------------------

    def _of_an_order(self, service: str, do: str, which: int) -> None:
        if self.orders:
            done = self.world.ask(service, do, order_id=self.orders[which % len(self.orders)])
            self._count(do if done else f"no {do}")

    def _picked(self, service: str, which: list[int]) -> list[Any]:
        """Of what waits for the service; when nothing does, of what its publishers have to say."""
        waiting = self.world.wire[service]
        if not waiting:
            for publisher in SUBSCRIPTIONS[service]:
                self.world.relay(publisher)
        return [waiting[pick % len(waiting)] for pick in which] if waiting else []

    def _done(self, service: str, batch: list[Any], outcome: str) -> None:
        """What was applied is taken off the wire; a crash after the commit leaves it there, as a
        lost ack does."""
        self._count(outcome)
        if outcome == "applied":
            for message in batch:
                if message in self.world.wire[service]:
                    self.world.wire[service].remove(message)
                    self.world.past[service].append(message)

    def _count(self, what: str) -> None:
        self.counted[what] += 1
