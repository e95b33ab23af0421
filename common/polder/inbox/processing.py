"""The way of the events of a batch that succeed together, in one pass: what is known of them, into
the replicas, into the ledger, and what follows from it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from polder.contracts.correlation import Correlation, correlated, new_traceparent
from polder.contracts.event import Event
from polder.database.locking import EventsWait, LockedKeys
from polder.effects.declared import effects
from polder.effects.intents import write_down
from polder.inbox import accounting, ledger
from polder.inbox.accounting import Counts, Redriving
from polder.inbox.delivery import Arrival, Key
from polder.inbox.models import Outcome
from polder.inbox.repeats import told_apart
from polder.process.failpoints import Failpoint, failpoint
from polder.reconcile.reconciler import reconcile_changed
from polder.replication.merge import merge
from polder.replication.replica import Replica, replications
from polder.tracing import processing as tracing

# It happened, whatever is known of it since. What contradicts its owner's other word had better
# wait for somebody to look.
HAS_EFFECTS = frozenset({Outcome.APPLIED, Outcome.STALE, Outcome.IGNORED})


class Overtaken(Exception):
    """Another batch recorded some of these events meanwhile. Nothing of this one counts; tried
    again, it knows them."""


def process(arrivals: Sequence[Arrival], redriven: Redriving) -> Counts:
    """How many ended how, by publisher and outcome. Takes part in the open transaction. Raises
    Overtaken, EventsWait, and what the database and the reconcilers raise; then it is to be rolled
    back.

    What another batch is applying at the same time meets this one at a replica's row or in the
    ledger: each waits for the other's end, and the second has lost.
    """
    counts: Counts = Counter()
    while arrivals:
        now, arrivals = _parted_by_id(arrivals)
        counts += _process(now, redriven)
    return counts


def _process(arrivals: Sequence[Arrival], redriven: Redriving) -> Counts:
    failpoint(Failpoint.WORKER_BEFORE_LEDGER)
    unique = {arrival.key: arrival for arrival in arrivals}  # the rest are duplicates
    known = ledger.known(list(unique.values()))
    repeats = told_apart([unique[key] for key in known], known, redriven)
    new = [arrival for key, arrival in unique.items() if key not in known]
    again = [unique[key] for key in repeats.again]
    events = [arrival.event for arrival in (*new, *again)]
    with tracing.events(events) as traces:
        outcomes = _apply(events, new, again, traces)
    return accounting.of_applied(arrivals, unique, outcomes, repeats, redriven)


def _parted_by_id(arrivals: Sequence[Arrival]) -> tuple[Sequence[Arrival], Sequence[Arrival]]:
    """Of each id the first, with what says it in the same bytes; and those that say it in other
    bytes, which are told apart as if they had come later."""
    if len({arrival.key for arrival in arrivals}) == len(arrivals):
        return arrivals, ()  # as nearly always
    first: dict[Key, bytes] = {}
    parts: tuple[list[Arrival], list[Arrival]] = ([], [])
    for arrival in arrivals:
        body = arrival.delivery.body
        parts[first.setdefault(arrival.key, body) != body].append(arrival)
    return parts


def _apply(
    events: Sequence[Event],
    new: Sequence[Arrival],
    again: Sequence[Arrival],
    traces: Mapping[UUID, str],
) -> Mapping[Key, Outcome]:
    outcomes, changed = _merge(events)
    failpoint(Failpoint.WORKER_AFTER_MERGE)
    if not ledger.record(new, outcomes):
        raise Overtaken
    ledger.correct(again, outcomes)
    if effects:
        write_down(event for event in events if outcomes[event.service, event.id] in HAS_EFFECTS)
    failpoint(Failpoint.WORKER_AFTER_LEDGER)
    with correlated(each=_correlations(events, traces)):
        reconcile_changed(changed)
    failpoint(Failpoint.WORKER_AFTER_RECONCILING)
    return outcomes


def _merge(
    events: Sequence[Event],
) -> tuple[Mapping[Key, Outcome], dict[type[Replica], set[str]]]:
    """Into the replicas, one after the other in a fixed order: each event's outcome, and the keys
    that changed."""
    outcomes: dict[Key, Outcome] = {}
    changed: dict[type[Replica], set[str]] = {}
    for aggregate, group in sorted(_by_aggregate(events).items()):
        replication = replications.get(aggregate)
        if replication is None:
            outcomes |= _each(group, Outcome.IGNORED)
            continue
        try:
            merged = merge(replication, group)
        except LockedKeys as locked:
            raise EventsWait({aggregate: locked.keys}, locked) from locked
        changed[replication.model] = merged.changed
        outcomes |= _each(group, Outcome.STALE)
        outcomes |= _each(merged.applied, Outcome.APPLIED)
        outcomes |= _each(merged.conflicts, Outcome.CONFLICT)
        outcomes |= _each(merged.regressed, Outcome.REGRESSED)
        outcomes |= _each(merged.outside, Outcome.IGNORED)
    return outcomes, changed


def _each(events: Collection[Event], outcome: Outcome) -> dict[Key, Outcome]:
    return dict.fromkeys([(event.service, event.id) for event in events], outcome)


def _by_aggregate(events: Sequence[Event]) -> Mapping[str, list[Event]]:
    groups: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        groups[f"{event.service}.{event.aggregate}"].append(event)
    return groups


def _correlations(events: Sequence[Event], traces: Mapping[UUID, str]) -> dict[str, Correlation]:
    return {
        event.subject: Correlation(
            event.correlationid,
            event.id,
            traces.get(event.id) or event.traceparent or new_traceparent(),
        )
        for event in events
    }
