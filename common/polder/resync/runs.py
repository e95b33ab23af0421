"""A resync of one replica: how it begins, what it asks for next, and how a person stops it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from django.db import transaction
from uuid_utils.compat import uuid7

from polder import this_service
from polder.broker.confirms import BROKER_ERRORS
from polder.broker.names import event_queue, request_queue
from polder.direct.talk import say, waiting_in
from polder.inbox.models import LedgerEntry
from polder.partitioning import database_now
from polder.replication.models import ReplicaState
from polder.replication.replica import replications
from polder.resync.messages import MOST, PageRequest, Proven, RowsRequest

State = ReplicaState.State
RATE = 2_000  # rows per second, unless somebody says otherwise
LIVE_FIRST = 1_000  # events that may wait in our queues while a page is asked for
FIRST_WAIT, LONGEST_WAIT = 10.0, 300.0  # seconds until a request is made again
YIELDING = "events that wait go first"


class NotPossible(ValueError):
    """What was asked of a resync cannot be done as it stands; `str()` says why."""


def begin(
    aggregate: str,
    reason: str,
    *,
    keys: Sequence[str] | None = None,
    rate: int | None = None,
    is_rebuilt: bool = False,
    is_audit: bool = False,
) -> None:
    """Starts a resync of all rows, or of some keys. Raises NotPossible when one is under way, or
    the service keeps no such replica."""
    replication = replications.get(aggregate)
    if replication is None:
        known = ", ".join(sorted(replications))
        raise NotPossible(f"{this_service.name()} keeps no replica of {aggregate}; it has: {known}")
    with transaction.atomic():
        known_run = ReplicaState.objects.select_for_update().filter(pk=aggregate).first()
        if known_run and known_run.state in (State.FILLING, State.PAUSED) and not is_rebuilt:
            raise NotPossible(
                f"a resync of {aggregate} is under way already ({known_run.told}): it is joined "
                "without --all and --ids, or ended with --cancel"
            )
        now = database_now()
        run = ReplicaState(
            aggregate=aggregate,
            declared=replication.declaration,
            state=State.FILLING,
            reason=reason[:200],
            is_rebuilt=is_rebuilt,
            is_audit=is_audit,
            scans=keys is None,
            asking=sorted(set(keys or ())),
            rate=rate or RATE,
            started_at=now,
            progressed_at=now,
            completed_at=known_run.completed_at if known_run else None,
            estimate=len(set(keys)) if keys is not None else None,
        )
        next_request(run)


def pause(aggregate: str) -> None:
    """Raises NotPossible."""
    with transaction.atomic():
        _stop(_under_way(aggregate, State.FILLING), State.PAUSED)


def resume(aggregate: str, rate: int | None = None) -> None:
    """Raises NotPossible."""
    with transaction.atomic():
        run = _under_way(aggregate, State.PAUSED)
        run.state, run.rate = State.FILLING, rate or run.rate
        next_request(run)


def cancel(aggregate: str) -> None:
    """What has come stays; a page that is under way is dropped when it comes. Raises
    NotPossible."""
    with transaction.atomic():
        run = _under_way(aggregate, State.FILLING, State.PAUSED)
        # one that was complete before is as complete as it was
        _stop(run, State.COMPLETE if run.completed_at else State.CANCELLED)


def _under_way(aggregate: str, *states: State) -> ReplicaState:
    run = ReplicaState.objects.select_for_update().filter(pk=aggregate, state__in=states).first()
    if run is None:
        raise NotPossible(f"no resync of {aggregate} is {' or '.join(states)}")
    return run


def _stop(run: ReplicaState, state: State) -> None:
    run.state, run.request_id, run.trouble = state, None, ""
    run.save()


def next_request(run: ReplicaState) -> None:
    """Ends the run, or stores its next request and makes it when the transaction has committed.
    In the transaction that locks the run."""
    now = database_now()
    run.trouble, run.tries, run.said_at, run.progressed_at = "", 0, None, now
    if not run.scans and not run.asking:
        run.state, run.completed_at, run.request_id = State.COMPLETE, now, None
        run.save()
        return
    run.request_id, run.asked_at = uuid7(), now
    run.save()
    transaction.on_commit(partial(ask, run.aggregate))


def ask(aggregate: str) -> bool:
    """Makes the run's request, or makes it again; whether it went out. Not while events wait."""
    run = ReplicaState.objects.filter(
        pk=aggregate, state=State.FILLING, request_id__isnull=False
    ).first()
    if run is None:
        return False
    trouble = _said(run)
    # by its id: what has ended or gone on meanwhile is left as it is
    ReplicaState.objects.filter(pk=aggregate, request_id=run.request_id).update(
        trouble=trouble,
        said_at=None if trouble == YIELDING else database_now(),
        tries=run.tries + (trouble != YIELDING),
    )
    return not trouble


def _said(run: ReplicaState) -> str:
    """What went wrong; nothing if the owner has the request in its queue."""
    service = this_service.name()
    queues = [event_queue(service, publisher) for publisher in this_service.subscribes_to()]
    try:
        if waiting_in(queues) > LIVE_FIRST:
            return YIELDING
        if not say(request_queue(run.owner), [_request(run)]):
            return f"nobody takes requests for {run.owner}: has its topology been declared?"
    except BROKER_ERRORS as error:
        return f"the broker did not take the request: {error!r}"
    if run.tries:
        return f"{run.owner} has not answered for a while; asked {run.tries + 1} times"
    return ""


def _request(run: ReplicaState) -> PageRequest | RowsRequest:
    about = {
        "asker": this_service.name(),
        "request": run.request_id,
        "aggregate": run.aggregate.partition(".")[2],
    }
    if run.asking:
        return RowsRequest(**about, keys=_proven(run.aggregate, run.asking[:MOST]))
    return PageRequest(**about, after=run.cursor, size=max(1, min(MOST, run.rate)))


def _proven(aggregate: str, keys: Sequence[str]) -> list[Proven]:
    """What the replica says of them, as far as the ledger proves that the owner has said it: what
    somebody wrote into the replica by hand proves nothing."""
    replication = replications[aggregate]
    rows = {
        str(key): (version, event_id)
        for key, version, event_id in replication.model._default_manager.filter(
            pk__in=keys
        ).values_list("pk", "version", "event_id")
    }
    ids = [event_id for _, event_id in rows.values() if event_id is not None]
    proven = (
        set(
            LedgerEntry.objects.filter(pk__in=ids, publisher=replication.publisher)
            .exclude(outcome="parked")
            .values_list("subject", "version", "pk")
        )
        if ids
        else set()
    )
    return [
        Proven(key=key, version=rows[key][0], event_id=rows[key][1])
        if key in rows and (key, *rows[key]) in proven
        else Proven(key=key)
        for key in keys
    ]
