"""What every step of the story has at hand: the shop, what follows from a request, and the
comparison."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from rich.markup import escape
from rich.table import Table

from deploy.local.errors import PolderError
from deploy.local.terminal import Terminal
from tests.blackbox.account import OUTCOMES, accounts
from tests.blackbox.comparison import Difference, compare
from tests.blackbox.copies import COPIES, SUBSCRIPTIONS, subscribers_of
from tests.blackbox.shop import Shop, expect, until

# seconds that the shop may take for what should take milliseconds, on however slow a machine
PATIENCE = 60.0
COMMITTED = (
    "SELECT id, type, body, extract(epoch FROM created_at)::float FROM polder_outbox WHERE "
    "correlation_id = %s"
)
APPLIED = "SELECT id, extract(epoch FROM applied_at)::float FROM polder_ledger WHERE id = ANY(%s)"


class Differs(PolderError):
    """Rows of owner and replica that do not become equal."""


@dataclass(frozen=True)
class Stage:
    shop: Shop
    terminal: Terminal
    run_dir: Path

    def say(self, text: str) -> None:
        self.terminal.say(escape(f"  {text}"))

    @contextmanager
    def following(self, goal: Callable[[], object], what: str) -> Iterator[Shop]:
        """A shop for one request. Afterwards every event that it led to is told, once the goal is
        reached and all have applied it."""
        correlation_id, began = str(uuid4()), time.time()
        yield replace(self.shop, correlation_id=correlation_id)
        until(goal, what, PATIENCE)
        events: dict[Any, tuple[float, str, str]] = {}
        applied: dict[Any, dict[str, float]] = {}
        owners: dict[Any, str] = {}

        def all_applied() -> bool:
            for owner in SUBSCRIPTIONS:
                for key, kind, body, at in self.shop.rows(owner, COMMITTED, correlation_id):
                    state = json.loads(body)["data"]
                    owners[key] = owner
                    events[key] = (at, kind, state.get("status") or state["productId"])
            for subscriber in SUBSCRIPTIONS:
                for key, at in self.shop.rows(subscriber, APPLIED, list(events)):
                    applied.setdefault(key, {})[subscriber] = at
            return all(
                len(applied.get(key, {})) == len(subscribers_of(owners[key])) for key in events
            )

        until(all_applied, "every event is applied", PATIENCE)
        for key, (at, kind, says) in sorted(events.items(), key=lambda item: item[1]):
            had = ", ".join(
                f"{subscriber} {_ms(moment - began)}" for subscriber, moment in applied[key].items()
            )
            self.say(f"{_ms(at - began):>5} ms  {kind:<20} {says:<13} {self.terminal.arrow} {had}")

    def reaches(self, order_id: str, *statuses: str | None) -> Callable[[], bool]:
        return lambda: self.shop.statuses(order_id) == statuses

    def place_ready(self, **products: int) -> str:
        """An order, followed until its stock is held and its shipment may leave."""
        placed: list[str] = []
        with self.following(
            lambda: self.reaches(placed[0], "confirmed", "held", "ready")(), "the shipment is ready"
        ) as shop:
            placed.append(shop.place(**products))
        return placed[0]

    def ended(self, order_id: str, *statuses: str) -> None:
        """Waits, and tells how each of the three services has the order then."""
        until(self.reaches(order_id, *statuses), f"order {order_id} is {statuses}", PATIENCE)
        self.say("order {}: {}; its reservation: {}; its shipment: {}".format(order_id, *statuses))

    def available(self, product_id: str) -> int:
        return int(
            expect(self.shop.get("inventory", f"/api/products/{product_id}/"), 200)["available"]
        )

    # --- what must hold

    def compare(self, when: str) -> None:
        """Raises Differs when a row does not become equal to its owner's: fine once it was,
        whatever comes after."""
        found = [compare(self.shop, copy) for copy in COPIES]
        late = [row for one in found for row in one.differences]
        deadline = time.monotonic() + 10
        while late and time.monotonic() < deadline:
            time.sleep(0.2)
            known = {(row.copy, row.key) for row in late}
            again = [compare(self.shop, copy) for copy in {row.copy for row in late}]
            rows = [row for one in again for row in one.differences]
            late = [row for row in rows if (row.copy, row.key) in known]
        if late:
            for difference in late[:3]:
                self._show(difference)
            raise Differs(f"{len(late)} rows differ from their owner's. Found {when}.")
        counts = ", ".join(f"{one.copy.replica} {one.rows}" for one in found)
        count = sum(one.rows for one in found)
        self.say(
            f"{self.terminal.done} {count} rows compared in {len(found)} replicas, all equal: "
            f"{counts}"
        )

    def _show(self, difference: Difference) -> None:
        self.say(f"{self.terminal.failed} {difference.copy.replica} {difference.key}")
        for place, column in enumerate(difference.copy.columns):
            owned, kept = (
                row[place] if row else "no row" for row in (difference.owned, difference.kept)
            )
            self.say(
                f"  {column}: the owner has {owned}, the replica "
                f"{kept}{'' if owned == kept else '  differs'}"
            )

    def account(self) -> None:
        """Every published event is queued or has one outcome at each subscriber."""
        until(
            lambda: not any(one.missing for one in accounts(self.shop)),
            "every event is accounted for",
            PATIENCE,
        )
        table = Table(box=None, padding=(0, 1))
        for title in ("", "published", "queued", *OUTCOMES, "duplicates"):
            table.add_column(title, justify="right")
        found = accounts(self.shop)
        for one in found:
            numbers = (one.published, one.queued, *one.outcomes.values(), one.duplicates)
            table.add_row(
                f"{one.publisher} {self.terminal.arrow} {one.subscriber}", *map(str, numbers)
            )
        self.terminal.say("\n[bold]Every event is accounted for[/bold]")
        self.terminal.say(table)
        self.say(
            f"{self.terminal.done} {sum(one.published for one in found)} deliveries are due, each "
            "has one outcome"
        )


def _ms(seconds: float) -> int:
    return max(0, round(seconds * 1000))
