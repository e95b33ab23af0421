"""A restored service's own replicas, filled anew from their owners, and what has to be reconciled
by them."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Iterator
from datetime import datetime

from django.db import transaction

from polder.errors.faults import Fault, fault_of
from polder.reconcile.reconciler import CHUNK, reconcile_changed
from polder.replication.models import ReplicaState
from polder.replication.replica import Replica, replications
from polder.resync import runs

log = logging.getLogger(__name__)

LOOKS = 0.2  # seconds
RATE = 20_000  # rows per second: nothing acts meanwhile on what is to be healed by them
REASON = "this service was restored from a backup"

State = ReplicaState.State
Tell = Callable[[list[ReplicaState]], None]


class NotFilled(RuntimeError):
    """A resync was cancelled or paused, or its owner does not answer."""


def refill(
    seconds: float, tell: Tell = lambda states: None, without: Collection[str] = ()
) -> dict[str, int]:
    """Compares every row of every replica with its owner's: rows changed and removed, by aggregate.
    What is under way of a resync begins anew. Raises NotFilled when one has made no progress for so
    many seconds. Those of owners `without` are begun, too, and not waited for."""
    for aggregate in sorted(replications):
        runs.begin(aggregate, REASON, rate=RATE, is_rebuilt=True)
    awaited = [name for name, one in replications.items() if one.publisher not in without]
    seen, since = "", time.monotonic()
    while True:
        states = list(ReplicaState.objects.filter(pk__in=awaited))
        tell(states)
        if all(state.state == State.COMPLETE for state in states):
            return {state.pk: state.rows_changed + state.rows_removed for state in states}
        for state in states:
            if state.state in (State.PAUSED, State.CANCELLED):
                raise NotFilled(f"the resync of {state.told}")
        if (now := repr([(state.progressed_at, state.state) for state in states])) != seen:
            seen, since = now, time.monotonic()
        if time.monotonic() - since > seconds:
            open_ = [state for state in states if state.state == State.FILLING]
            told = "; ".join(
                f"{one}: {one.trouble or 'its owner has not answered'}" for one in open_
            )
            raise NotFilled(f"no page has come for {seconds:.0f} s: {told}")
        time.sleep(LOOKS)


def unfilled() -> list[str]:
    """The replicas that are not as their owners say yet."""
    complete = ReplicaState.objects.filter(state=State.COMPLETE).values_list("pk", flat=True)
    return sorted(replications.keys() - set(complete))


def reconcile_since(moment: datetime, tell: Callable[[int], None] = lambda number: None) -> int:
    """Reconciles by every row of a replica that has changed since, whatever its status; how many
    rows. May run twice."""
    number = 0
    for replication in replications.values():
        for page in _pages(replication.model, moment):
            _reconcile(replication.model, page)
            number += len(page)
            tell(number)
    return number


def _pages(model: type[Replica], moment: datetime) -> Iterator[list[str]]:
    keys = (
        model._base_manager.filter(synced_at__gte=moment)
        .order_by("pk")
        .values_list("pk", flat=True)
    )
    page = list(keys[:CHUNK])
    while page:
        yield [str(key) for key in page]
        page = list(keys.filter(pk__gt=page[-1])[:CHUNK])


def _reconcile(model: type[Replica], keys: list[str]) -> None:
    """Together, else one by one: one that cannot be reconciled is overdue, and looked at each
    minute."""
    try:
        with transaction.atomic():
            reconcile_changed({model: keys})
    except Exception as error:
        if fault_of(error) is Fault.AWAY:
            raise
        if len(keys) == 1:
            log.warning("what follows from %s %s waits: %r", model._meta.label, keys[0], error)
            return
        for key in keys:
            _reconcile(model, [key])
