"""Whose turn an answer is. Requests are made ahead, so that the owner reads while this service
writes: their answers may come while what is before them is still merged, by another process."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID, uuid5

from django.db import transaction
from django.db.models import QuerySet

from polder.replication.models import UNDER_WAY, ReplicaState
from polder.replication.replica import replications

AHEAD = 2  # requests that may be under way besides the one whose answer is merged
LONGEST = 10.0  # seconds that an answer waits for those before it, as while they are read
LOOK = 0.01  # seconds


def following(request: UUID) -> UUID:
    """The id of the request that is made after this one: whoever gets its answer early knows whose
    turn it is first."""
    return uuid5(request, "ahead")


def run_of(request: UUID) -> ReplicaState | None:
    """The run that waits for the answer to this, now or soon."""
    for run in _under_way():
        if _is_ours(run) and steps_before(run, request) is not None:
            return run
    return None


def steps_before(run: ReplicaState, request: UUID) -> int | None:
    """How many answers come before the one to this; None for one that nobody waits for."""
    awaited = run.request_id
    for steps in range(AHEAD + 1):
        if awaited is None or awaited == request:
            return steps if awaited else None
        awaited = following(awaited)
    return None


@contextmanager
def turn_of(run: ReplicaState, request: UUID) -> Iterator[ReplicaState | None]:
    """Opens a transaction that has the run to itself, when it is the turn of the answer to this.
    None when that never comes: what is before it was lost, or the run went another way."""
    deadline = time.monotonic() + LONGEST
    while True:
        with transaction.atomic():
            locked = _under_way().select_for_update().filter(pk=run.pk).first()
            steps = steps_before(locked, request) if locked and _is_ours(locked) else None
            if not steps:
                yield locked if steps == 0 else None
                return
        if time.monotonic() > deadline:
            yield None
            return
        time.sleep(LOOK)


def _is_ours(run: ReplicaState) -> bool:
    """A process of the version before does not know all the columns, and what it filled would count
    as filled. The page is asked for again."""
    return bool(run.declared == replications[run.pk].declaration)


def _under_way() -> QuerySet[ReplicaState]:
    return ReplicaState.objects.filter(
        state__in=UNDER_WAY, request_id__isnull=False, pk__in=replications
    )
