"""Following a request: the events that it leads to, each told as soon as every subscriber has applied it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import psycopg

from demo.teller import Teller
from outside.copies import SUBSCRIPTIONS
from outside.shop import Shop, Unexpected

POLL_SECONDS = 0.01
PATIENCE = 60.0
LEGEND = (
    "Each line below is an event, in ms from the request: when it was committed, what it says (of stock: on hand/held), and when each "
    "subscriber had applied it."
)
COMMITTED = "SELECT id, type, body, created_at FROM outbox WHERE correlation_id = %s"
APPLIED = "SELECT id, outcome, applied_at FROM ledger WHERE id = ANY(%s)"


class Committed(NamedTuple):
    owner: str
    type: str
    says: str
    at: datetime


@dataclass
class Following:
    """From `began` on, by the clock of this machine, which is the databases' as well."""

    correlation_id: str
    databases: dict[str, psycopg.Connection[Any]]
    teller: Teller
    began: float = field(default_factory=time.time)
    told: set[UUID] = field(default_factory=set)

    @classmethod
    @contextmanager
    def of(cls, shop: Shop, correlation_id: str, teller: Teller) -> Iterator[Following]:
        with ExitStack() as connections:
            yield cls(correlation_id, {owner: connections.enter_context(shop.database(owner)) for owner in SUBSCRIPTIONS}, teller)

    def until(self, goal: Callable[[], bool], what: str) -> None:
        """Tells each event, until the goal is reached and nothing is under way. Raises Unexpected when that takes too long."""
        deadline = time.monotonic() + PATIENCE
        with self.teller.turning(f"until {what}"):
            while self._tell_new() or not goal() or self._tell_new():
                if time.monotonic() > deadline:
                    raise Unexpected(f"not within {PATIENCE:.0f} s: {what}")
                time.sleep(POLL_SECONDS)

    def _tell_new(self) -> int:
        """Tells what has been applied everywhere since; how many are still on their way."""
        committed = self._committed()
        applied = self._applied(list(committed))
        for key, event in sorted(committed.items(), key=lambda item: item[1].at):
            had = applied.get(key, {})
            if key not in self.told and len(had) == len(_subscribers(event.owner)):
                self.teller.line(self._line(event, had))
                self.told.add(key)
        return len(committed.keys() - self.told)

    def _committed(self) -> dict[UUID, Committed]:
        return {
            key: Committed(owner, kind, _says(json.loads(body)["data"]), at)
            for owner, database in self.databases.items()
            for key, kind, body, at in database.execute(COMMITTED, [self.correlation_id])
        }

    def _applied(self, keys: list[UUID]) -> dict[UUID, dict[str, datetime]]:
        found: dict[UUID, dict[str, datetime]] = {}
        for subscriber, database in self.databases.items():
            for key, _, at in database.execute(APPLIED, [keys]):
                found.setdefault(key, {})[subscriber] = at
        return found

    def _line(self, event: Committed, applied: dict[str, datetime]) -> str:
        each = ", ".join(f"{subscriber} {self._ms(applied[subscriber])}" for subscriber in _subscribers(event.owner))
        return f"{self._ms(event.at):>5}  {event.type:<20} {event.says:<13} {self.teller.arrow} {each}"

    def _ms(self, moment: datetime) -> int:
        return max(0, round((moment.timestamp() - self.began) * 1000))


def _subscribers(owner: str) -> list[str]:
    return [subscriber for subscriber, publishers in SUBSCRIPTIONS.items() if owner in publishers]


def _says(state: dict[str, Any]) -> str:
    """What matters here of an aggregate's public state."""
    if "status" in state:
        return str(state["status"])
    if "onHand" in state:
        return f"{_product(state)} {state['onHand']}/{state['reserved']}"
    return _product(state)


def _product(state: dict[str, Any]) -> str:
    return str(state["productId"]).removeprefix("demo-")
