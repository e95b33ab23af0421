"""Fuzzing: mutated messages go straight into a service's queue while orders flow. It fails if
anything was lost, delayed, killed or bloated. The same seed repeats a run."""

from __future__ import annotations

import time
from argparse import Namespace
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import psutil
from amqp.basic_message import Message

from tests.blackbox.shop import Shop, until
from tests.blackbox.wire import send_messages
from tests.chaos.kind import Kind
from tests.chaos.mutants import Mutant, mutants
from tests.chaos.report.results import record
from tests.disturbed import DisturbedStack
from tests.invariants import Checker
from tests.load import Load
from tests.standing import standing_shop
from tests.temporary import temporary_folder

SUBSCRIBER, PUBLISHER = "inventory", "order"
QUEUE = f"{SUBSCRIBER}.from.{PUBLISHER}"
# mutants sent before the worker has to have taken them: the backlog that good events wait behind.
# With hardly a good event among them the consumer may rightly think that the bug is its own, and
# halt (decision 20): bursts of 1,000 ended so in one run of five.
BURST = 100
ORIGINALS = 200
# a customer's pause leaves the machine time for the mutants
COUNT, PAUSE = 5_000, 0.3
# seconds: what a poisoned queue may hold up a good event, on a machine at a fifth of its speed
LARGEST_LAG = 60.0
LARGEST_GROWTH = 1.5  # of the worker's memory, after the first quarter of the run


@dataclass
class Result:
    """What is reported, and judged by `failures`."""

    seed: int
    sent: int = 0
    seconds: float = 0.0
    # of the mutants, by what the accounting calls it
    outcomes: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)  # of the parked
    mutations: Counter[str] = field(default_factory=Counter)
    orders: int = 0
    worst_lag: float = 0.0  # seconds from a good event's making to its commit at the subscriber
    # kB of the worker and its children, at each burst
    memory: list[int] = field(default_factory=list)
    restarted: bool = False

    def recorded(self) -> dict[str, Any]:
        """What is told of a run in which all passed: every good event arrived, or `run` would have
        raised."""
        return {
            "seed": self.seed,
            "sent": self.sent,
            "seconds": round(self.seconds, 1),
            "outcomes": dict(self.outcomes.most_common()),
            "orders": self.orders,
            "lost": 0,
            "worst_lag": round(self.worst_lag, 2),
            "memory_quarter": self.memory[len(self.memory) // 4],
            "memory_end": self.memory[-1],
        }

    def failures(self) -> Iterator[str]:
        if sum(self.outcomes.values()) != self.sent:
            yield f"{self.sent} mutants were sent, {sum(self.outcomes.values())} were accounted for"
        if wrong := self.outcomes.keys() - {"unreadable", "duplicate", "stale"}:
            yield f"mutants were {', '.join(sorted(wrong))}"
        if self.worst_lag > LARGEST_LAG:
            yield f"a good event was applied only after {self.worst_lag:.1f} s"
        if self.restarted:
            yield "the worker or a child of it died"
        steady = self.memory[len(self.memory) // 4 :]
        if steady and max(steady) > LARGEST_GROWTH * steady[0]:
            yield f"the worker's memory grew from {steady[0]} to {max(steady)} kB"


def run(options: Namespace) -> list[str]:
    with (
        temporary_folder("fuzz") as folder,
        standing_shop(folder, watched=False, strict=False) as (stack, shop, _),
    ):
        load = Load(shop, seed=options.seed, pause=options.pause or PAUSE)
        result = _fuzz(stack, shop, load, options.count or COUNT, options.seed)
        _check(shop)
    for name in ("mutations", "outcomes", "reasons"):
        for what, number in getattr(result, name).most_common():
            print(f"  {name}: {what:<32} {number:7}")
    print(
        f"{result.sent} mutants in {result.seconds:.0f} s, seed {result.seed}; {result.orders} "
        f"orders meanwhile; worst lag of a good event {result.worst_lag:.2f} s; the worker and its "
        f"children had {min(result.memory)} to {max(result.memory)} kB"
    )
    failures = list(result.failures())
    if options.record and not failures:
        record("fuzz", "fuzz", result.recorded())
    return failures


def _check(shop: Shop) -> None:
    """Every invariant. A parked mutant ends when the event arrives of which it was made; one that
    repeats an id with other content is recorded as drift, and replicas are compared row by row."""
    checker = Checker(shop)
    parked = "SELECT count(*)::int FROM polder_inbox_parkedevent WHERE state = 'parked'"
    checker.parked[SUBSCRIBER] = shop.rows(SUBSCRIBER, parked)[0][0]
    shop.rows(SUBSCRIBER, "DELETE FROM polder_replication_drift RETURNING id")
    checker.check()


def _fuzz(stack: DisturbedStack, shop: Shop, load: Load, count: int, seed: int) -> Result:
    load.place(ORIGINALS)
    until(
        lambda: _unpublished(shop) == 0 and len(_originals(shop)) >= ORIGINALS, "events to mutate"
    )
    result = Result(seed)
    stream = _counted(mutants(seed, _originals(shop)), result)
    worker, children = (
        stack.process(f"{SUBSCRIBER}-worker").pid,
        stack.children(f"{SUBSCRIBER}-worker"),
    )
    before, began, began_at = _tallied(shop), time.monotonic(), datetime.now(UTC)
    placed = len(load.accepted)
    with load.flowing():
        while result.sent < count:
            result.sent += send_messages(
                shop.variables["AMQP_URL"],
                "",
                QUEUE,
                islice(stream, min(BURST, count - result.sent)),
            )
            until(
                lambda: _mutants_taken(shop, before) >= result.sent,
                "the burst is taken",
                seconds=300,
            )
            result.seconds = time.monotonic() - began
            result.memory.append(_memory([worker, *children]))
            print(f"{result.sent} mutants, {result.memory[-1] // 1024} MB", flush=True)
    result.orders = len(load.accepted) - placed
    _reconcile(shop)
    result.outcomes = _outcomes(shop, before)
    result.reasons = Counter(
        dict(
            shop.rows(
                SUBSCRIBER,
                "SELECT reason, sum(times_seen)::int FROM polder_inbox_parkedevent GROUP BY 1",
            )
        )
    )
    sql = (
        "SELECT coalesce(max(extract(epoch FROM applied_at - occurred_at)), 0)::float FROM "
        "polder_ledger WHERE publisher = %s AND received_at > %s"
    )
    result.worst_lag = shop.rows(SUBSCRIBER, sql, PUBLISHER, began_at)[0][0]
    result.restarted = (worker, children) != (
        stack.process(f"{SUBSCRIBER}-worker").pid,
        stack.children(f"{SUBSCRIBER}-worker"),
    )
    return result


def _counted(stream: Iterator[Mutant], result: Result) -> Iterator[Message]:
    for mutant in stream:
        result.mutations[mutant.how] += 1
        properties = (
            {"content_type": mutant.content_type} if mutant.content_type is not None else {}
        )
        yield Message(
            mutant.body, application_headers=mutant.headers, delivery_mode=2, **properties
        )


def _originals(shop: Shop) -> list[bytes]:
    """Events that the subscriber has had: a mutant that kept its id is a duplicate."""
    had = {
        key
        for (key,) in shop.rows(
            SUBSCRIBER, "SELECT id FROM polder_ledger WHERE publisher = %s", PUBLISHER
        )
    }
    return [
        body.encode()
        for key, body in shop.rows(
            PUBLISHER, "SELECT id, body FROM polder_outbox ORDER BY position"
        )
        if key in had
    ]


def _unpublished(shop: Shop) -> int:
    return int(
        shop.rows(PUBLISHER, "SELECT count(*) FROM polder_outbox WHERE published_at IS NULL")[0][0]
    )


def _reconcile(shop: Shop) -> None:
    """Until the subscriber has every event of the publisher."""

    def arrived() -> bool:
        sent = {key for (key,) in shop.rows(PUBLISHER, "SELECT id FROM polder_outbox")}
        return sent <= {key for (key,) in shop.rows(SUBSCRIBER, "SELECT id FROM polder_ledger")}

    until(arrived, "every good event is applied", seconds=180)


def _tallied(shop: Shop) -> Counter[str]:
    sql = (
        "SELECT outcome, sum(count)::int FROM polder_inbox_deliverycount WHERE publisher = %s "
        "GROUP BY 1"
    )
    return Counter(dict(shop.rows(SUBSCRIBER, sql, PUBLISHER)))


def _outcomes(shop: Shop, before: Counter[str]) -> Counter[str]:
    """Of the mutants: what was tallied beyond the ledger's own rows of good events."""
    since = _tallied(shop) - before
    return Counter(
        {
            outcome: since[outcome]
            for outcome in ("unreadable", "duplicate", "parked", "conflict")
            if since[outcome]
        }
    )


def _mutants_taken(shop: Shop, before: Counter[str]) -> int:
    return sum(_outcomes(shop, before).values())


def _memory(pids: list[int | None]) -> int:
    """Resident kB of those of the processes that live, together."""
    resident = 0
    for pid in pids:
        with suppress(psutil.NoSuchProcess):
            resident += psutil.Process(pid).memory_info().rss // 1024 if pid else 0
    return resident


KIND = Kind("mutated messages into a queue while orders flow (count=5000 seed=1)", run)
