"""What is looked at every few seconds: replicas that are to be filled, and requests that nobody
answered."""

from __future__ import annotations

import logging
from contextlib import suppress
from datetime import timedelta

from polder.partitioning import database_now
from polder.replication.models import ReplicaState
from polder.replication.replica import Replication, replications
from polder.resync import runs
from polder.resync.runs import FIRST_WAIT, LONGEST_WAIT, NotPossible, ask

log = logging.getLogger(__name__)

NOT_COMPARED = timedelta(hours=24)


def fill_new() -> list[str]:
    """Begins a resync of each replica that is new, or that declares something that it did not;
    which. May run twice, at once."""
    states = {state.aggregate: state for state in ReplicaState.objects.all()}
    ReplicaState.objects.filter(pk__in=states.keys() - replications.keys()).delete()
    begun = []
    for aggregate, replication in sorted(replications.items()):
        if reason := _reason(replication, states.get(aggregate)):
            log.info("the replica of %s is filled: %s", aggregate, reason)
            runs.begin(aggregate, reason, is_rebuilt=True)
            begun.append(aggregate)
    return begun


def _reason(replication: Replication, state: ReplicaState | None) -> str:
    if state is None:
        return "it is new"
    if state.declared == replication.declaration:
        return ""
    more = [
        column
        for column, source in replication.declaration.items()
        if state.declared.get(column) != source
    ]
    return f"it declares {', '.join(more)}" if more else "it declares less than it did"


def audit_due() -> list[str]:
    """Begins an audit of each replica that was not compared with its owner for a day; which. May
    run twice, at once."""
    long_ago = database_now() - NOT_COMPARED
    due = ReplicaState.objects.filter(
        state=ReplicaState.State.COMPLETE, completed_at__lt=long_ago, pk__in=replications
    )
    begun = []
    for aggregate in due.values_list("pk", flat=True):
        with suppress(NotPossible):  # somebody was quicker
            runs.begin(aggregate, "it is audited", is_audit=True)
            begun.append(aggregate)
    return begun


def ask_again() -> int:
    """Makes the requests again that have waited for too long; how many."""
    return sum(
        ask(run.aggregate)
        for run in ReplicaState.objects.filter(
            state=ReplicaState.State.FILLING, request_id__isnull=False
        )
        if _is_due(run)
    )


def _is_due(run: ReplicaState) -> bool:
    """By the database's clock: after a while that doubles each time."""
    if run.said_at is None:
        return True
    wait = min(LONGEST_WAIT, FIRST_WAIT * 2 ** max(0, min(run.tries, 20) - 1))
    since = (database_now() - run.said_at).total_seconds()
    return not 0 <= since <= wait
