"""Whether what an audit found missing or behind, or will find row by row, is still on its way.

What the owner had committed when it listed its keys has been handled here once its heartbeats say
so. Where it has none, or an event that waits here holds them back: messages come in the order in
which they were published, so that is once something that it clearly made later has been handled, or
once its queue was seen empty and a while has passed. What waits here for a lock, or while the
service is halted, has not been handled.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.db import connection, transaction

from polder import this_service
from polder.broker.confirms import BROKER_ERRORS
from polder.broker.names import event_queue
from polder.contracts import clock
from polder.database.partitioning import database_now, first_key_at, moment_of
from polder.direct.talk import waiting_in
from polder.inbox.models import WaitingEvent
from polder.inbox.waiting import halts
from polder.replication import freshness
from polder.replication.models import UNDER_WAY, ReplicaState
from polder.replication.replica import replications
from polder.resync import comparing
from polder.resync.asking import MOST_DOUBTFUL, WEIGHED, next_request

SETTLED = timedelta(seconds=10)  # that a batch takes at most, if nothing is wrong
PATIENCE = timedelta(minutes=10)
NOTHING = UUID(int=0)  # is proven

_HANDLED = """
SELECT EXISTS (SELECT FROM polder_ledger
    WHERE id > %s AND publisher = %s AND applied_at < clock_timestamp() - make_interval(secs => %s))
"""


def weigh(aggregate: str) -> bool:
    """Goes on with an audit that waits for this, if it can be said by now. May run at any time,
    twice."""
    with transaction.atomic():
        run = (
            ReplicaState.objects.select_for_update()
            .filter(pk=aggregate, state__in=UNDER_WAY, request_id=None)
            .first()
        )
        if run is None:
            return False
        if not _is_handled(run):
            if timedelta(0) <= database_now() - run.progressed_at <= PATIENCE:
                run.save()
                return False
            run.proven = run.proven or NOTHING
            run.rows_undecided += len(_still_behind(run))
        else:
            _find(run)
        run.doubtful = {}
        next_request(run)
    return True


def _find(run: ReplicaState) -> None:
    """What is still behind is drift."""
    run.proven = run.listed
    waiting = _waiting(run)
    behind = _still_behind(run)
    run.rows_undecided += len(waiting.intersection(behind))
    run.asking += [key for key in behind if key not in waiting]
    if len(behind) > MOST_DOUBTFUL:
        run.asking = []
        comparing.row_by_row(run, f"more than {MOST_DOUBTFUL} rows are missing or behind")


def _waiting(run: ReplicaState) -> set[str]:
    waiting = WaitingEvent.objects.filter(parked_at=None, publisher=run.owner)
    return set(waiting.values_list("subject", flat=True))


def _still_behind(run: ReplicaState) -> list[str]:
    found = replications[run.aggregate].model._base_manager.filter(pk__in=list(run.doubtful))
    ours = {str(key): version for key, version in found.values_list("pk", "version")}
    return [key for key, version in run.doubtful.items() if ours.get(key, 0) < version]


def _is_handled(run: ReplicaState) -> bool:
    """Whether everything is that the owner had committed by `listed`; notes an empty queue."""
    assert run.listed is not None
    if halts():
        return False
    listed = moment_of(run.listed)
    if (until := freshness.handled_until(run.owner)) and (until > listed or not _waiting(run)):
        return until > listed
    with connection.cursor() as cursor:
        later = first_key_at(listed + timedelta(seconds=clock.APART))
        cursor.execute(_HANDLED, [later, run.owner, SETTLED.total_seconds()])
        if cursor.fetchone()[0]:
            return True
    now = database_now()
    if run.emptied_at is not None:
        return now - run.emptied_at >= SETTLED
    try:
        if waiting_in([event_queue(this_service.name(), run.owner)]) == 0:
            run.emptied_at, run.trouble = now, WEIGHED
    except BROKER_ERRORS as error:
        run.trouble = f"the broker does not say what waits: {error!r}"
    return False
