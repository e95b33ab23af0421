"""The checker: what must hold of a shop that has come to rest, read from its databases and from the auditor, and from nothing of our code.

The numbers are those of docs/invariants.md. `check()` waits until the shop is quiet, then checks everything, and says of every
violation which invariant it is, where, and by which rows.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from kombu.connection import Connection

from tests.auditor import Auditor, Seen
from tests.invariants.copies import COPIES, SAGA, SUBSCRIPTIONS
from tests.invariants.stock import conserved
from tests.invariants.violation import Violation
from tests.invariants.watcher import Watcher
from tests.shop import Shop, until


@dataclass
class Checker:
    """`parked` is how many messages each subscriber should have parked: exactly the poison that was injected."""

    shop: Shop
    auditor: Auditor | None = None
    watcher: Watcher | None = None
    parked: Counter[str] = field(default_factory=Counter)
    sent: dict[str, set[UUID]] = field(default_factory=dict)  # the events that each service has committed, read once for a check
    versions: dict[tuple[str, str], dict[str, int]] = field(default_factory=dict)  # of each replica's rows, when last looked at
    broker: bool = True  # whether there is one to be asked
    clients: bool = True  # whether all orders come over HTTP
    by_hand: set[str] = field(default_factory=set)  # orders that a test has put into the database itself
    disordered: set[str] = field(default_factory=set)  # subjects whose events a test has put on the wire in another order

    def check(self, seconds: float = 60.0) -> None:
        """Raises AssertionError listing every violation, if there are any once the shop is quiet or the time is up."""
        quiet = self.wait_until_quiet(seconds)
        violations = list(self.violations())
        if not quiet:
            violations.insert(0, Violation("I16", "shop", f"not quiet after {seconds:.0f} s"))
        assert not violations, "\n".join(f"{v.invariant} {v.where}: {v.detail}" for v in violations)

    def check_queues(self) -> None:
        """When no worker runs: raises AssertionError if there is anything that was never acked."""
        left = list(self._queues())
        assert not left, f"not acked: {left}"

    def expect_disorder(self) -> None:
        """What has happened so far may have come over the wire in any order: the test saw to that."""
        for owner in SUBSCRIPTIONS:
            self.disordered |= {subject for (subject,) in self.shop.rows(owner, "SELECT DISTINCT subject FROM outbox")}

    def wait_until_quiet(self, seconds: float) -> bool:
        """Everything published, received and decided; whether that came true in time."""
        deadline = time.monotonic() + seconds
        before = None
        while time.monotonic() < deadline:
            now = self._at_rest()
            if now is not None and now == before:  # twice the same: what was in a worker's hands has shown by then
                return True
            before = now
            time.sleep(0.1)
        return False

    def unrest(self) -> str:
        """The first thing that does not hold now."""
        return next((f"{v.invariant} {v.where}: {v.detail}" for v in self.violations()), "everything holds now")

    def _at_rest(self) -> dict[str, int] | None:
        """How many events each service has made; None while one is on its way, as counting alone shows."""
        sent: dict[str, int] = {}
        for owner in SUBSCRIPTIONS:
            [[sent[owner], unpublished]] = self.shop.rows(owner, "SELECT count(*), count(*) FILTER (WHERE published_at IS NULL) FROM outbox")
            if unpublished:
                return None
        for subscriber, publishers in SUBSCRIPTIONS.items():
            had = dict(self.shop.rows(subscriber, "SELECT publisher, count(*) FROM ledger GROUP BY 1"))
            if any(had.get(publisher, 0) < sent[publisher] for publisher in publishers):
                return None
        [[undecided]] = self.shop.rows("order", "SELECT count(*) FROM orders WHERE status IN ('pending', 'cancelling')")
        return None if undecided else sent

    def violations(self) -> Iterator[Violation]:
        """Everything that does not hold now."""
        self.sent = {owner: {key for (key,) in self.shop.rows(owner, "SELECT id FROM outbox")} for owner in SUBSCRIPTIONS}
        yield from self._unfinished()
        yield from self._ledger()
        yield from self._wire()
        yield from self._dense()
        yield from self._journal()
        yield from self._replicas()
        yield from conserved(lambda sql: self.shop.rows("inventory", sql))
        yield from self._watched()
        yield from self._saga()
        yield from self._parked()
        if self.clients:
            yield from self._orders()
        if self.broker:
            yield from self._queues()

    def _unfinished(self) -> Iterator[Violation]:
        """I5 nothing unpublished; I1 everything received; I12 nothing undecided."""
        for owner in SUBSCRIPTIONS:
            [[unpublished]] = self.shop.rows(owner, "SELECT count(*) FROM outbox WHERE published_at IS NULL")
            if unpublished:
                yield Violation("I5", owner, f"{unpublished} events are not published")
        for subscriber, publishers in SUBSCRIPTIONS.items():
            received = {key for (key,) in self.shop.rows(subscriber, "SELECT id FROM ledger")}
            for publisher in publishers:
                sent = self.sent[publisher]
                if lost := sent - received:
                    yield Violation("I1", subscriber, f"{len(lost)} events of {publisher} never arrived, such as {min(lost)}")
        [[undecided]] = self.shop.rows("order", "SELECT count(*) FROM orders WHERE status IN ('pending', 'cancelling')")
        if undecided:
            yield Violation("I12", "order", f"{undecided} orders are undecided")

    def _ledger(self) -> Iterator[Violation]:
        """I2 no phantom; I4 one legal outcome each; the tally agrees with the ledger."""
        for subscriber, publishers in SUBSCRIPTIONS.items():
            for publisher in publishers:
                sent = self.sent[publisher]
                entries = self.shop.rows(subscriber, "SELECT id, outcome FROM ledger WHERE publisher = %s", publisher)
                if phantoms := {key for key, _ in entries} - sent:
                    yield Violation("I2", subscriber, f"{len(phantoms)} events that {publisher} never committed, such as {min(phantoms)}")
                if len({key for key, _ in entries}) != len(entries):
                    yield Violation("I4", subscriber, "an event id is in the ledger twice")
                counted = Counter(outcome for _, outcome in entries)
                sql = "SELECT outcome, sum(count)::bigint FROM inbox_tally WHERE publisher = %s GROUP BY outcome"
                tally = {outcome: count for outcome, count in self.shop.rows(subscriber, sql, publisher) if outcome in counted}
                if dict(counted) != tally:
                    yield Violation("I4", subscriber, f"the ledger counts {dict(counted)} of {publisher}, the tally {tally}")

    def _wire(self) -> Iterator[Violation]:
        """I5 the auditor saw every event; I7 each aggregate's events came in the order of their versions, when they came first."""
        if self.auditor is None:
            return
        seen = self.auditor.read()
        on_the_wire, committed = {event.id for event in seen}, set()
        for owner in SUBSCRIPTIONS:
            sent = {str(key) for key in self.sent[owner]}
            committed |= sent
            if unseen := sent - on_the_wire:
                yield Violation("I5", owner, f"{len(unseen)} events were marked published and never seen on the wire, such as {min(unseen)}")
        yield from self._wire_order(event for event in seen if event.id in committed)  # without the poison

    def _wire_order(self, seen: Iterable[Seen]) -> Iterator[Violation]:
        newest: dict[tuple[str, str], int] = defaultdict(int)
        for event in seen:
            about = (event.aggregate, event.subject)
            if event.version > newest[about] + 1 and event.subject not in self.disordered:
                yield Violation("I7", event.aggregate, f"{event.subject} v{event.version} came over the wire after v{newest[about]}")
                self.disordered.add(event.subject)
            newest[about] = max(newest[about], event.version)

    def _dense(self) -> Iterator[Violation]:
        """I6 per aggregate the outbox holds the versions 1..n, and n is the aggregate's version."""
        for copy in COPIES:
            versions: dict[str, list[int]] = defaultdict(list)
            for subject, version in self.shop.rows(copy.owner, "SELECT subject, version FROM outbox WHERE aggregate_type = %s", copy.aggregate):
                versions[subject].append(version)
            current = {row[0]: row[1] for row in self.shop.rows(copy.owner, copy.owner_sql)}
            wrong = [subject for subject, version in current.items() if sorted(versions[subject]) != list(range(1, version + 1))]
            if wrong or versions.keys() - current.keys():
                yield Violation("I6", copy.owner, f"{len(wrong)} of {copy.aggregate} have gaps or repeats in their versions, such as {wrong[:3]}")

    def _journal(self) -> Iterator[Violation]:
        """I3 the movements sum to the stock, one movement per cause, line and kind."""
        sql = """
            SELECT s.product_id, s.on_hand, s.reserved, coalesce(sum(m.on_hand), 0), coalesce(sum(m.reserved), 0)
            FROM inventory_stock s LEFT JOIN inventory_movement m ON m.product_id = s.product_id
            GROUP BY s.product_id HAVING s.on_hand <> coalesce(sum(m.on_hand), 0) OR s.reserved <> coalesce(sum(m.reserved), 0)
        """
        for row in self.shop.rows("inventory", sql):
            yield Violation("I3", "inventory", f"stock and the sum of its movements differ: {row}")
        sql = "SELECT cause, product_id, kind, count(*) FROM inventory_movement GROUP BY 1, 2, 3 HAVING count(*) > 1 LIMIT 3"
        for row in self.shop.rows("inventory", sql):
            yield Violation("I3", "inventory", f"moved more than once: {row}")

    def _replicas(self) -> Iterator[Violation]:
        """I8 same keys, same versions, same content, row by row; I9 no version has fallen since the last look."""
        for copy in COPIES:
            owned = {row[0]: _comparable(row) for row in self.shop.rows(copy.owner, copy.owner_sql)}
            kept = {row[0]: _comparable(row) for row in self.shop.rows(copy.subscriber, copy.replica_sql)}
            about = (copy.subscriber, copy.aggregate)
            fallen = [key for key, version in self.versions.get(about, {}).items() if key not in kept or int(kept[key][1]) < version]
            if fallen:
                yield Violation("I9", copy.subscriber, f"{len(fallen)} of {copy.aggregate} have fallen back, such as {fallen[0]}")
            self.versions[about] = {key: int(row[1]) for key, row in kept.items()}
            different = [key for key in owned.keys() | kept.keys() if owned.get(key) != kept.get(key)]
            for key in different[:3]:
                detail = f"{len(different)} of {copy.aggregate} differ; {key}: owner {owned.get(key)}, replica {kept.get(key)}"
                yield Violation("I8", copy.subscriber, detail)

    def _watched(self) -> Iterator[Violation]:
        """I9, I10 and I11 at every moment since the last check at which the watcher looked."""
        if self.watcher is not None:
            until(self.watcher.has_looked, "the watcher looks")
            yield from self.watcher.take()

    def _saga(self) -> Iterator[Violation]:
        """I13 order, reservation and shipment agree: shipped with its stock consumed, or neither dispatched nor held any more."""
        reservations = dict(self.shop.rows("inventory", "SELECT order_id, status FROM inventory_reservation"))
        shipments = dict(self.shop.rows("shipping", "SELECT order_id, status FROM shipping_shipment"))
        for order_id, status in self.shop.rows("order", "SELECT id, status FROM orders"):
            reservation, shipment = reservations.get(order_id), shipments.get(order_id)
            legal = SAGA.get(status)
            if legal is not None and not (reservation in legal[0] and shipment in legal[1]):
                yield Violation("I13", "order", f"{order_id} is {status}, its reservation {reservation}, its shipment {shipment}")

    def _orders(self) -> Iterator[Violation]:
        """I14 (its half in the database) each order was answered under one idempotency key, and each key has one order."""
        sql = "SELECT split_part(location, '/', 4) FROM web_idempotentresponse WHERE status = 201 AND location LIKE '/api/orders/%'"
        answered = Counter(order_id for (order_id,) in self.shop.rows("order", sql))
        orders = {str(key) for (key,) in self.shop.rows("order", "SELECT id FROM orders")} - self.by_hand
        if wrong := [order_id for order_id in orders | answered.keys() if answered[order_id] != 1 or order_id not in orders]:
            yield Violation("I14", "order", f"{len(wrong)} orders and answers do not match, such as {wrong[0]}, answered {answered[wrong[0]]} times")

    def _parked(self) -> Iterator[Violation]:
        """I15 (its half in the databases) parked is exactly the poison that was injected; no drift was found."""
        for subscriber in SUBSCRIPTIONS:
            parked = self.shop.rows(subscriber, "SELECT reason, error FROM inbox_parkedevent WHERE state = 'parked' ORDER BY id")
            if len(parked) != self.parked[subscriber]:
                yield Violation("I15", subscriber, f"{len(parked)} parked, {self.parked[subscriber]} expected; the last: {parked[-1:]}")
            [[drift]] = self.shop.rows(subscriber, "SELECT count(*) FROM replication_drift")
            if drift:
                yield Violation("I8", subscriber, f"{drift} drift records")

    def _queues(self) -> Iterator[Violation]:
        """I15 (its half in the broker) nothing waits in any queue of a service, its dead letters included."""
        with Connection(self.shop.variables["AMQP_URL"]) as connection:
            channel = connection.channel()
            for subscriber, publishers in SUBSCRIPTIONS.items():
                for queue in (f"{subscriber}.dead", *(f"{subscriber}.from.{publisher}" for publisher in publishers)):
                    waiting = channel.queue_declare(queue, passive=True).message_count
                    if waiting:
                        yield Violation("I15", queue, f"{waiting} messages wait in it")


def check_client(shop: Shop, accepted: dict[str, str]) -> None:
    """I14 every order that was accepted is there, and no two requests got the same one."""
    existing = {str(key) for (key,) in shop.rows("order", "SELECT id FROM orders")}
    assert len(set(accepted.values())) == len(accepted), "I14 two requests got the same order"
    missing = set(accepted.values()) - existing
    assert not missing, f"I14 {len(missing)} accepted orders are not there"


def _comparable(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(str(value) if not isinstance(value, list | dict) else value for value in row)
