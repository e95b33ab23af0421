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

from polder.errors.faults import Fault
from polder.inbox.batch_errors import TransientFailure
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
    under way. What needs what somebody holds is tried again last. Raises ConsumerHalted, and
    TransientFailure after having tried the same messages for a while; what was yielded before is
    done.
    """
    messages, stuck = chosen.messages(), list[int]()
    yield from _all_of(messages, messages.aggregate(end=Max("pk"))["end"] or 0, stuck)
    yield from _last(stuck)


def redrive_rows(rows: Sequence[int]) -> Iterator[Counter[str]]:
    """As `redrive_chosen`, those of these keys, in ascending order, that are parked."""
    stuck: list[int] = []
    yield from _each(rows, stuck)
    yield from _last(stuck)


def _last(stuck: Sequence[int]) -> Iterator[Counter[str]]:
    for pause in PAUSES:
        if not stuck:
            return
        time.sleep(pause)
        again: list[int] = []
        yield from _each(stuck, again)
        stuck = again
    if stuck:
        raise TransientFailure(
            f"{len(stuck)} need what somebody holds, or take too long", Fault.LOCKED
        )


def _each(rows: Sequence[int], stuck: list[int]) -> Iterator[Counter[str]]:
    """No statement takes any number of keys."""
    for first in range(0, len(rows), BATCH_MESSAGES):
        some = rows[first : first + BATCH_MESSAGES]
        yield from _all_of(ParkedEvent.objects.filter(pk__in=some), some[-1], stuck)


def _all_of(messages: QuerySet[ParkedEvent], end: int, stuck: list[int]) -> Iterator[Counter[str]]:
    last = 0
    while batch := next_batch(messages, last, end):
        for ended, left in _redriven(batch):
            stuck += left
            yield ended
        last = batch[-1]


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


def _redriven(batch: Sequence[int]) -> Iterator[tuple[Counter[str], list[int]]]:
    """In halves where all together are too much for the database."""
    for pause in (*PAUSES, None):
        try:
            yield redriven(batch)
            return
        except TransientFailure as error:
            if error.fault is Fault.TOO_SLOW:
                break
            if pause is None:
                raise
            time.sleep(pause)
    if len(batch) == 1:  # after all others, once more
        yield Counter(), list(batch)
        return
    middle = len(batch) // 2
    yield from _redriven(batch[:middle])
    yield from _redriven(batch[middle:])


def redriven(batch: Sequence[int]) -> tuple[Counter[str], list[int]]:
    """How many ended how, by the outcomes that are counted; and those that need what somebody
    holds, which stay as they are. Raises what `redrive_batch` raises."""
    report, ended = redrive_batch(batch), Counter[str]()
    for (_, outcome), number in report.outcomes.items():
        ended[outcome] += number
    return ended, report.stuck
