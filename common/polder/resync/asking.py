"""What a resync asks its owner for next, until there is nothing left to ask."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from datetime import datetime
from functools import partial
from typing import NamedTuple
from uuid import UUID

from django.db import transaction
from uuid_utils.compat import uuid7

from polder import this_service
from polder.broker.confirms import BROKER_ERRORS
from polder.broker.names import event_queue, request_queue
from polder.database.partitioning import database_now
from polder.direct.talk import say, waiting_in
from polder.inbox.models import LedgerEntry
from polder.replication.drifted import close_unfound
from polder.replication.models import UNDER_WAY, ReplicaState
from polder.replication.replica import event_class, replications
from polder.replication.retention import tombstones_kept
from polder.resync.messages import (
    BUCKET,
    MOST,
    MOST_DIGESTED,
    MOST_ROWS,
    Content,
    DeclaredField,
    DigestsRequest,
    KeysRequest,
    PageRequest,
    Proven,
    RowsRequest,
)
from polder.resync.turns import following

State = ReplicaState.State
Compared = ReplicaState.Compared
PAGES = 4  # in a second, at a rate that somebody set
UNHURRIED = 20_000  # rows per second: a rate below is kept by pauses between the pages
DEEPLY_DIGESTED = 10 * BUCKET  # rows whose content one answer is of
MOST_DOUBTFUL = 5_000  # keys
LIVE_FIRST = 1_000  # events that may wait in our queues while a page is asked for
FIRST_WAIT, LONGEST_WAIT = 10.0, 300.0  # seconds until a request is made again
YIELDING = "events that wait go first"
WEIGHED = "waits until what its owner had published has been handled here"


class Ahead(NamedTuple):
    """A request that was made before what comes before it was merged: for what follows a key."""

    after: str
    request: UUID
    asked_at: datetime


def ask_ahead(run: ReplicaState, request: UUID, after: str | None) -> Ahead | None:
    """Asks for what follows the key up to which the answer to `request` goes, so that the owner
    reads while this service writes. Changes nothing; None when it did not go out, as of a run that
    somebody slowed down."""
    if after is None or not run.scans or run.asking or run.ranges or run.rate < UNHURRIED:
        return None
    ahead = Ahead(after, following(request), database_now())
    next_one = copy(run)
    next_one.cursor, next_one.request_id, next_one.tries = after, ahead.request, 0
    return None if _said(next_one) else ahead


def next_request(run: ReplicaState, ahead: Ahead | None = None) -> None:
    """Ends the run, or stores its next request and makes it when the transaction has committed, if
    it was not made ahead; or leaves it to be weighed whether what is behind is on its way. In the
    transaction that locks the run."""
    now = database_now()
    run.trouble, run.tries, run.said_at, run.progressed_at = "", 0, None, now
    goes_on = bool(run.scans or run.ranges)
    if not run.asking and _is_weighed(run, goes_on=goes_on):
        run.request_id, run.trouble = None, WEIGHED
        run.save()
    elif ahead and run.scans and not (run.asking or run.ranges) and run.cursor == ahead.after:
        run.request_id, run.asked_at, run.said_at = ahead.request, ahead.asked_at, now
        run.tries = 1
        run.save()
    elif run.asking or goes_on:
        run.request_id, run.asked_at = uuid7(), now
        run.save()
        transaction.on_commit(partial(ask, run.aggregate))
    else:
        _end(run, now)


def _is_weighed(run: ReplicaState, *, goes_on: bool) -> bool:
    """Whether an audit first waits for what may be on its way: to judge what is doubtful, or what
    pages of rows will bring."""
    if run.compared_by == Compared.ROWS:
        return run.is_audit and run.proven is None
    return len(run.doubtful) > MOST_DOUBTFUL or bool(run.doubtful and not goes_on)


def _end(run: ReplicaState, now: datetime) -> None:
    run.state, run.request_id = State.COMPLETE, None
    if not (run.is_audit or run.is_partial):
        run.completed_at = now
    elif run.is_rebuilt or (run.is_partial and run.completed_at is None):
        run.state = State.CANCELLED  # as before: it still lacks the other rows
    if not run.is_partial:
        deep = run.compared_by != Compared.QUICK
        run.audited_at = run.started_at
        run.deeply_audited_at = run.started_at if deep else run.deeply_audited_at
        if not run.rows_disputed and not run.rows_undecided:
            close_unfound(run.aggregate, since=run.started_at, with_content=deep)
    run.save()


def ask(aggregate: str) -> bool:
    """Makes the run's request, or makes it again; whether it went out. Not while events wait."""
    run = ReplicaState.objects.filter(
        pk=aggregate, state__in=UNDER_WAY, request_id__isnull=False
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


def _request(run: ReplicaState) -> PageRequest | RowsRequest | DigestsRequest | KeysRequest:
    about = {
        "asker": this_service.name(),
        "request": run.request_id,
        "aggregate": run.aggregate.partition(".")[2],
    }
    content = content_of(run)
    if run.asking:
        return RowsRequest(**about, keys=_proven(run.aggregate, run.asking[:MOST]))
    if run.ranges:
        after, through = run.ranges[0]
        kept_since = database_now() - tombstones_kept()
        about |= {"after": after, "through": through}
        return KeysRequest(**about, content=content, retired_before=kept_since)
    if run.compared_by == Compared.ROWS:
        size = max(1, min(MOST_ROWS, run.rate // PAGES))
        return PageRequest(**about, after=run.cursor, size=size, since=run.since)
    size = min(DEEPLY_DIGESTED if content else MOST_DIGESTED, run.rate)
    return DigestsRequest(**about, after=run.cursor, size=size, content=content)


def content_of(run: ReplicaState) -> Content | None:
    """What is compared besides keys and versions."""
    if run.compared_by != Compared.DEEP:
        return None
    replication = replications[run.aggregate]
    return Content(
        schema_version=event_class(replication).schema_version,
        fields=[
            DeclaredField(column=column, path=replication.declared[column], kind=kind)
            for column, kind in replication.kinds.items()
        ],
    )


def _proven(aggregate: str, keys: Sequence[str]) -> list[Proven]:
    """What the replica says of them, as far as the ledger proves that the owner has said it: what
    somebody wrote into the replica by hand proves nothing."""
    replication = replications[aggregate]
    rows = {
        str(key): (version, event_id)
        for key, version, event_id in replication.model._base_manager.filter(
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
