"""An audit: buckets whose digests differ are narrowed down to keys, and those are asked for one by
one, as in a resync.

What is touched here after the owner was asked is left alone. What is missing or behind may be on
its way: it is doubtful until what the owner had published by then has been handled here.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

from polder.database.partitioning import milliseconds_of
from polder.replication import digest
from polder.replication.models import FoundBy, ReplicaState
from polder.replication.repair import Manner
from polder.replication.replica import Replication
from polder.resync.messages import MOST, MOST_LISTED, Digests, Listing

log = logging.getLogger(__name__)

Compared = ReplicaState.Compared
OVERDUE = timedelta(minutes=10)  # by which a change may be committed later than it was made
EVER = datetime.max.replace(tzinfo=UTC)


def take_digests(run: ReplicaState, replication: Replication, answer: Digests) -> None:
    """Notes the ranges that differ."""
    throughs = [bucket.through for bucket in answer.buckets if bucket.through is not None]
    is_end = len(throughs) < len(answer.buckets)
    ours = digest.digests(
        replication,
        after=run.cursor,
        throughs=throughs,
        is_end=is_end,
        with_content=run.compared_by == Compared.DEEP,
    )
    after = run.cursor
    for bucket, mine in zip(answer.buckets, ours, strict=True):
        if (bucket.rows, bucket.digest) != mine:
            run.ranges.append([after, bucket.through])
        after = bucket.through or after
    run.scans, run.cursor = not is_end, after
    run.rows_done += sum(bucket.rows for bucket in answer.buckets)
    if answer.total is not None:
        run.estimate = answer.total


def take_listing(run: ReplicaState, replication: Replication, answer: Listing) -> None:
    """Notes the keys of the first range that differ, or may."""
    after, end = run.ranges[0]
    assert run.asked_at is not None
    through = answer.through if answer.through is not None else end
    ours = digest.held(
        replication,
        after=after,
        through=through,
        asked_at=run.asked_at,
        with_content=run.compared_by == Compared.DEEP,
        most=2 * MOST_LISTED,
    )
    if len(ours) == 2 * MOST_LISTED:
        through = list(ours)[-1]
    theirs = {one.key: one for one in answer.rows if through is None or one.key <= through}
    unsaid, forgotten = {*answer.unsaid}, {*answer.retired} - ours.keys()
    for key, one in theirs.items():
        mine = ours.get(key)
        if mine is None or mine.version < one.version:
            if key not in unsaid and key not in forgotten:
                run.doubtful[key] = one.version
        elif mine.untouched and (mine.version > one.version or mine.content != one.hash):
            run.asking.append(key)
    run.asking += [key for key, mine in ours.items() if key not in theirs and mine.untouched]
    run.listed, run.emptied_at = answer.read, None
    if through == end:
        run.ranges = run.ranges[1:]
    else:
        run.ranges[0] = [through, end]


def row_by_row(run: ReplicaState, why: str) -> None:
    """The owner has no digests of what was asked: pages of rows are compared instead."""
    log.warning("%s is audited row by row: %s", run.aggregate, why)
    run.compared_by, run.ranges, run.scans, run.cursor = Compared.ROWS, [], True, ""
    run.rows_done, run.rate = 0, min(run.rate, 4 * MOST)


def manner_of(run: ReplicaState) -> Manner:
    """How the rows of the answer that is due are taken."""
    assert run.asked_at is not None
    if not run.is_audit:
        return Manner(run.asked_at, None if run.is_rebuilt else FoundBy.RESYNC)
    overdue = None
    if run.asking and run.compared_by != Compared.ROWS:
        overdue = EVER  # each is asked for because it differs
    elif run.proven is not None:
        proven = datetime.fromtimestamp(milliseconds_of(run.proven) / 1000, UTC)
        overdue = proven - OVERDUE
    found_by = FoundBy.QUICK if run.compared_by == Compared.QUICK else FoundBy.DEEP
    return Manner(run.asked_at, found_by, overdue, dry=run.is_dry)
