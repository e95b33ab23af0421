"""The present state of what parked events are about, from their owners: what is asked for first,
for the newest state makes any event that was missed good."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from polder.broker.names import publisher_or_nobody
from polder.contracts.event import Event
from polder.inbox.models import ParkedEvent
from polder.replication.replica import Replication, replications
from polder.resync import runs
from polder.resync.runs import NotPossible

MOST_KEYS = 1_000  # of more, all of the owner's rows are compared


def fetch_present(parked: Iterable[ParkedEvent], reason: str) -> dict[str, int]:
    """Asks the owners; how many keys of which aggregate. The events stay parked: redriven later,
    they are stale by version. Raises NotPossible, and then nothing was asked for."""
    keys: dict[str, set[str]] = defaultdict(set)
    for one in parked:
        if aggregate := aggregate_of(one):
            keys[aggregate].add(one.subject)
    if not keys:
        raise NotPossible("they do not say of which aggregate they are, or none is kept here")
    for aggregate, subjects in sorted(keys.items()):
        if len(subjects) > MOST_KEYS:
            runs.begin(aggregate, reason)
        else:
            runs.fetch(aggregate, sorted(subjects), reason)
    return {aggregate: len(subjects) for aggregate, subjects in keys.items()}


def replica_of(queue: str, type_: str) -> Replication | None:
    """That of which an event of the type is, as far as it is known and kept here."""
    kind = Event.known.get((publisher_or_nobody(queue), type_))
    return replications.get(f"{kind.service}.{kind.aggregate}") if kind else None


def aggregate_of(parked: ParkedEvent) -> str:
    """Of which replica it is; empty when that is not known, or no row of it can have the key."""
    found = replica_of(parked.queue, parked.type)
    return found.aggregate if found and found.key_of(parked.subject) else ""
