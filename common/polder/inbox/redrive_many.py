"""Redriving many: which parked messages, and all of them in batches, each committed before the
next."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Count, Max, Q, QuerySet
from django.db.models.functions import Length

from polder.faults import Fault
from polder.inbox.failures import TransientFailure
from polder.inbox.models import ParkedEvent, ParkedState
from polder.inbox.redrive import redrive_batch

BATCH_MESSAGES = 500
BATCH_BYTES = 4 * 1024 * 1024
# seconds, before the same batch is tried again when the moment was to blame
PAUSES = (0.1, 0.5, 2.0, 5.0, 10.0)


@dataclass(frozen=True)
class Chosen:
    """Those that are parked and fit everything that is said here; a part that is empty says
    nothing."""

    reasons: Sequence[str] = ()
    types: Sequence[str] = ()
    publishers: Sequence[str] = ()
    since: datetime | None = None  # seen last
    rows: Sequence[int] = ()
    events: Sequence[UUID] = ()
    queues: Sequence[str] = ()

    def messages(self) -> QuerySet[ParkedEvent]:
        found = ParkedEvent.objects.filter(state=ParkedState.PARKED)
        parts = {
            "reason__in": self.reasons,
            "type__in": self.types,
            "queue__in": self.queues,
            "last_seen_at__gte": self.since,
        }
        found = found.filter(**{name: value for name, value in parts.items() if value})
        if self.publishers:
            ends = (Q(queue__endswith=f".from.{publisher}") for publisher in self.publishers)
            found = found.filter(_any(ends))
        if self.rows or self.events:
            found = found.filter(Q(pk__in=self.rows) | Q(event_id__in=self.events))
        return found

    def causes(self) -> list[tuple[str, str, str, int]]:
        """Queue, type and reason, and how many, the most first."""
        groups = (
            self.messages()
            .order_by()
            .values_list("queue", "type", "reason")
            .annotate(number=Count("pk"))
        )
        return sorted(groups, key=lambda group: -group[3])


def _any(conditions: Iterator[Q]) -> Q:
    found = Q()
    for condition in conditions:
        found |= condition
    return found


def redrive_chosen(chosen: Chosen) -> Iterator[Counter[str]]:
    """Yields how each batch ended, once it is committed: numbers by the outcomes that are counted.

    The oldest first, each once: what fails again, or is parked meanwhile, is not tried again. May
    be broken off at any time and run again; of two at once, each leaves alone what the other has
    under way. What needs a row that somebody holds is tried last. Raises ConsumerHalted, and
    TransientFailure after having tried the same batch for a while; what was yielded before is done.
    """
    messages, stuck = chosen.messages(), list[int]()
    last, end = 0, messages.aggregate(end=Max("pk"))["end"] or 0
    while batch := next_batch(messages, last, end):
        yield from _parts(batch, stuck)
        last = batch[-1]
    if stuck:
        yield _redriven(stuck)


def _parts(batch: Sequence[int], stuck: list[int]) -> Iterator[Counter[str]]:
    """The batch, in halves where somebody holds what some of them need; those are `stuck`."""
    try:
        yield _redriven(batch)
    except TransientFailure as error:
        if error.fault is not Fault.LOCKED:
            raise
        yield from halves(batch, stuck)


def halves(batch: Sequence[int], stuck: list[int]) -> Iterator[Counter[str]]:
    """How each part ended of a batch of which somebody holds what some need: those are added to
    `stuck`, and stay as they are."""
    if len(batch) == 1:
        stuck.extend(batch)
        return
    middle = len(batch) // 2
    for half in (batch[:middle], batch[middle:]):
        try:
            yield counted(half, hurried=True)
        except TransientFailure as error:
            if error.fault is not Fault.LOCKED:
                raise
            yield from halves(half, stuck)


def next_batch(messages: QuerySet[ParkedEvent], last: int, end: int) -> list[int]:
    """Their keys, after the last one: as many as are applied in one transaction."""
    rows = (
        messages.filter(pk__gt=last, pk__lte=end)
        .order_by("pk")
        .values_list("pk", Length("body"))[:BATCH_MESSAGES]
    )
    batch: list[int] = []
    size = 0
    for key, length in rows:
        size += length
        if batch and size > BATCH_BYTES:
            break
        batch.append(key)
    return batch


def _redriven(batch: Sequence[int]) -> Counter[str]:
    for pause in PAUSES:
        try:
            return counted(batch)
        except TransientFailure as error:
            if error.fault is Fault.LOCKED and len(batch) > 1:
                raise
            time.sleep(pause)
    return counted(batch)


def counted(batch: Sequence[int], *, hurried: bool = False) -> Counter[str]:
    """How many ended how, by the outcomes that are counted. Raises what `redrive_batch` raises."""
    ended: Counter[str] = Counter()
    for (_, outcome), number in redrive_batch(batch, hurried=hurried).outcomes.items():
        ended[outcome] += number
    return ended
