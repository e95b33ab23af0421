"""Applying a batch: read, record in the ledger, merge, settle, commit. One transaction, and what it commits is done exactly once."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.db import transaction

from common.contracts.cause import Cause, because_of
from common.contracts.event import Event
from common.crashpoints import CrashPoint, reach
from common.inbox import ledger, tally
from common.inbox.delivery import Arrival, Delivery
from common.inbox.failures import IntakeHalted, TransientFailure, is_interruption, is_schema_behind, is_transient
from common.inbox.models import Outcome, Tallied
from common.inbox.parking import park_failed, park_unreadable
from common.inbox.reading import read
from common.inbox.settling import settle_changed
from common.replication.merge import merge, newest_of_each
from common.replication.replica import Replica, replications

ALIKE = 10  # events that fail with one and the same error are no longer taken for the events' own fault


@dataclass
class Report:
    """What became of a batch: deliveries by (publisher, outcome), and events by type."""

    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    types: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        outcomes: Counter[str] = Counter()
        for (_, outcome), number in self.outcomes.items():
            outcomes[outcome] += number
        return "; ".join(", ".join(f"{number} {name}" for name, number in counter.most_common()) for counter in (outcomes, self.types) if counter)


def apply_batch(deliveries: Sequence[Delivery], *, any_age: bool = False) -> Report:
    """Applies them all, or raises and has applied none. May run twice, and beside others that apply the same messages.

    Raises TransientFailure (try again) or IntakeHalted (mend the service first). An event that fails for a reason of its
    own is parked in the same transaction, and the rest is applied. With `any_age` (a redrive) events beyond the ledger's
    horizon are taken too; then their aggregate version alone keeps them from being applied twice.
    """
    report = Report()
    try:
        arrivals, rejected = read(deliveries, any_age=any_age)
        report.types += Counter(event.type for _, event in arrivals)
        with transaction.atomic():
            for delivery, reason in rejected:
                park_unreadable(delivery, reason)
                report.outcomes[delivery.publisher, Tallied.UNREADABLE] += 1
            report.outcomes += _apply_or_bisect(arrivals)
            tally.count(report.outcomes)
            reach(CrashPoint.WORKER_BEFORE_COMMIT)
        reach(CrashPoint.WORKER_AFTER_COMMIT)
    except Exception as error:
        if is_transient(error):
            raise TransientFailure(str(error).strip()) from error
        if is_schema_behind(error):
            raise IntakeHalted(f"the code is ahead of its schema, run the migrations: {error}") from error
        raise
    return report


def _apply_or_bisect(arrivals: Sequence[Arrival]) -> Counter[tuple[str, str]]:
    failures: list[str] = []
    outcomes = _bisect(arrivals, failures)
    if len(failures) >= ALIKE and len(failures) == len(arrivals) and len({failure[:100] for failure in failures}) == 1:
        raise IntakeHalted(f"all {len(failures)} events of a batch fail alike: {failures[0]}")
    return outcomes


def _bisect(arrivals: Sequence[Arrival], failures: list[str]) -> Counter[tuple[str, str]]:
    """Applies under a savepoint; what fails is halved until the events to blame are alone, and those are parked."""
    try:
        with transaction.atomic():
            return _apply(arrivals)
    except Exception as error:
        if is_transient(error) or is_schema_behind(error) or is_interruption(error):
            raise
        if len(arrivals) > 1:
            middle = len(arrivals) // 2
            return _bisect(arrivals[:middle], failures) + _bisect(arrivals[middle:], failures)
        failures.append(repr(error))  # not the error: its traceback leads back to this list
        return _park(arrivals[0], error)


def _park(arrival: Arrival, error: Exception) -> Counter[tuple[str, str]]:
    delivery, event = arrival
    new = ledger.record([arrival], {event.id: Outcome.PARKED})
    if new:
        park_failed(delivery, event, error)
    return Counter({(delivery.publisher, Outcome.PARKED if new else Tallied.DUPLICATE): 1})


def _apply(arrivals: Sequence[Arrival]) -> Counter[tuple[str, str]]:
    """The road that every event takes.

    The ledger is written before the merge tells the outcomes, so each row gets the one to be expected; the few that came
    out otherwise (a newer version was stored already) are corrected afterwards, which is one small update and not one per event.
    """
    if not arrivals:
        return Counter()
    by_id = {arrival.event.id: arrival for arrival in arrivals}
    expected = _outcomes([arrival.event for arrival in by_id.values()])
    reach(CrashPoint.WORKER_BEFORE_LEDGER)
    new_ids = ledger.record(list(by_id.values()), expected)
    reach(CrashPoint.WORKER_AFTER_LEDGER)
    new = [by_id[key].event for key in by_id if key in new_ids]
    outcomes, changed = _merge(new)
    ledger.correct({key: outcome for key, outcome in outcomes.items() if outcome != expected[key]})
    reach(CrashPoint.WORKER_AFTER_MERGE)
    with because_of(each=_causes(new)):
        settle_changed(changed)
    reach(CrashPoint.WORKER_AFTER_SETTLING)
    return _counted(arrivals, by_id, outcomes)


def _outcomes(events: Iterable[Event]) -> dict[UUID, Outcome]:
    """What each event comes to if every newest one of its subject is applied."""
    outcomes: dict[UUID, Outcome] = {}
    for aggregate, group in _by_aggregate(events).items():
        if aggregate not in replications:
            outcomes |= {event.id: Outcome.IGNORED for event in group}
            continue
        newest = newest_of_each(group)
        outcomes |= {event.id: Outcome.APPLIED if newest[event.subject] is event else Outcome.STALE for event in group}
    return outcomes


def _merge(events: Sequence[Event]) -> tuple[dict[UUID, Outcome], dict[type[Replica], set[str]]]:
    """Into the replicas, one after the other in a fixed order: each event's outcome, and the keys that changed."""
    outcomes = _outcomes(events)
    changed: dict[type[Replica], set[str]] = {}
    for aggregate, group in sorted(_by_aggregate(events).items()):
        replication = replications.get(aggregate)
        if replication is None:
            continue
        merged = merge(replication, group)
        changed[replication.model] = merged.changed
        outcomes |= {event.id: Outcome.STALE for event in group if event.subject not in merged.changed}
        outcomes |= {event.id: Outcome.CONFLICT for event in merged.conflicts}
        outcomes |= {event.id: Outcome.REGRESSED for event in merged.regressed}
    return outcomes, changed


def _by_aggregate(events: Iterable[Event]) -> Mapping[str, list[Event]]:
    groups: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        groups[f"{event.service}.{event.aggregate}"].append(event)
    return groups


def _causes(events: Sequence[Event]) -> dict[str, Cause]:
    return {event.subject: Cause(event.correlationid, event.id, event.traceparent or Cause().traceparent) for event in events}


def _counted(arrivals: Sequence[Arrival], by_id: Mapping[UUID, Arrival], outcomes: Mapping[UUID, Outcome]) -> Counter[tuple[str, str]]:
    counted = Counter((by_id[key].delivery.publisher, str(outcome)) for key, outcome in outcomes.items())
    for delivery, event in arrivals:
        if event.id not in outcomes or by_id[event.id].delivery is not delivery:
            counted[delivery.publisher, Tallied.DUPLICATE] += 1
    return counted
