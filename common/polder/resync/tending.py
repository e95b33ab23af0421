"""What is looked at every few seconds: replicas that are to be filled or audited, audits that wait,
and requests that nobody answered."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from datetime import datetime
from functools import partial

from django.db import transaction
from django.db.models.functions import Now

from polder import this_service
from polder.database.partitioning import database_now
from polder.errors.in_turn import all_in_turn
from polder.replication.models import UNDER_WAY, Drift, Regression, ReplicaState
from polder.replication.replica import replications
from polder.resync import runs, weighing
from polder.resync.asking import FIRST_WAIT, LONGEST_WAIT, State, ask
from polder.resync.runs import NotPossible

# seconds after which no worker runs any more that is older than the declaration of a replica
WORKERS_ARE_NEW = 600

log = logging.getLogger(__name__)


def fill_new() -> list[str]:
    """Begins a resync of each replica that is new, or that declares something that it did not;
    which. May run twice, at once."""
    states = {state.aggregate: state for state in ReplicaState.objects.all()}
    _forget(states.keys() - replications.keys())
    found = [name for name in sorted(replications) if _reason(name, states.get(name))]
    return [name for name in found if _fill(name)]


def _fill(aggregate: str) -> bool:
    """False when somebody was quicker."""
    with transaction.atomic():
        runs.wait_for_others(aggregate)
        if reason := _reason(aggregate, ReplicaState.objects.filter(pk=aggregate).first()):
            log.info("the replica of %s is filled: %s", aggregate, reason)
            runs.begin(aggregate, reason, is_rebuilt=True)
    return bool(reason)


def _forget(removed: Collection[str]) -> None:
    """Of replicas that this service does not keep any more: what was wrong with them is over."""
    if removed:
        gone = {"aggregate__in": removed}
        Drift.objects.filter(**gone, repaired_at=None).update(repaired_at=Now())
        Regression.objects.filter(**gone, closed_at=None).update(closed_at=Now())
        ReplicaState.objects.filter(**gone).delete()


def _reason(aggregate: str, state: ReplicaState | None) -> str:
    if state is None:
        return "it is new"
    if state.is_partial and state.completed_at is None and state.state == State.CANCELLED:
        return "only some of its rows were asked for"
    declaration = replications[aggregate].declaration
    if state.declared == declaration:
        return ""
    news = [name for name, source in declaration.items() if state.declared.get(name) != source]
    more = [{"(table)": "another table", "(types)": "other types"}.get(name, name) for name in news]
    return f"it declares {', '.join(more)}" if more else "it declares less than it did"


def audit_due() -> list[str]:
    """Begins an audit of each complete replica that was not compared with its owner for long, a
    deep one where its content was not, or not since it was filled; which. May run twice, at
    once."""
    begun = []
    for state in ReplicaState.objects.filter(state=State.COMPLETE, pk__in=replications):
        compared, every = state.deeply_audited_at, this_service.deep_audit_every()
        if _is_unproven(state):
            compared, every = state.completed_at, min(every, WORKERS_ARE_NEW)
        deep = _is_old(compared or state.completed_at, every)
        if deep or _is_old(state.audited_at or state.completed_at, this_service.audit_every()):
            with suppress(NotPossible):  # somebody was quicker
                runs.audit(state.aggregate, "it is due", deep=deep)
                begun.append(state.aggregate)
    return begun


def _is_unproven(state: ReplicaState) -> bool:
    """Whether it was filled since its content was last compared. A worker of the old code, which
    knows nothing of a new field, may have merged rows behind the page that brought it."""
    compared, filled = state.deeply_audited_at, state.completed_at
    return filled is not None and (compared is None or compared < filled)


def _is_old(moment: datetime | None, every: int) -> bool:
    return every > 0 and (moment is None or abs((database_now() - moment).total_seconds()) > every)


def weigh() -> int:
    """Goes on with the audits that waited for what is on its way; how many."""
    waiting = ReplicaState.objects.filter(state__in=UNDER_WAY, request_id=None)
    return _each(weighing.weigh, waiting.values_list("pk", flat=True))


def ask_again() -> int:
    """Makes the requests again that have waited for too long; how many."""
    waiting = ReplicaState.objects.filter(state__in=UNDER_WAY, request_id__isnull=False)
    return _each(ask, [run.aggregate for run in waiting if _is_due(run)])


def _each(function: Callable[[str], bool], aggregates: Iterable[str]) -> int:
    """For how many it was so."""
    return sum(all_in_turn({name: partial(function, name) for name in aggregates}).values())


def _is_due(run: ReplicaState) -> bool:
    """By the database's clock: after a while that doubles each time."""
    if run.said_at is None:
        return True
    wait = min(LONGEST_WAIT, FIRST_WAIT * 2 ** max(0, min(run.tries, 20) - 1))
    since = (database_now() - run.said_at).total_seconds()
    return not 0 <= since <= wait
