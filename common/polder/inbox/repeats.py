"""What arrives under a key that the ledger knows already: done before, parked before, or another
event under a used id.

Nothing of this is on the way of an event that is new.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID
from zlib import crc32

from django.db import connection

from polder.contracts.decode import Unreadable
from polder.inbox import ledger
from polder.inbox.delivery import Arrival, Key
from polder.inbox.models import Outcome
from polder.replication.conflicts import open_drift
from polder.replication.replica import replications

REUSED = "id-reused"  # why another event under a used id is parked

NEVER_ENDED = [REUSED, "foreign"]  # these say an id that is another event's

# Under the rows' locks, in one order: of several that bring one parked event again, one applies it.
_END_PARKED = """
WITH locked AS (
    SELECT id FROM polder_inbox_parkedevent WHERE state = 'parked' AND reason <> ALL(%s)
        AND queue = %s AND event_id = ANY(%s) AND id <> ALL(%s) {also}
    ORDER BY id FOR UPDATE
)
UPDATE polder_inbox_parkedevent AS parked SET state = 'redriven',
    last_seen_at = clock_timestamp() FROM locked
WHERE parked.id = locked.id AND parked.state = 'parked'
RETURNING parked.event_id, parked.body_hash
"""
_SEE_DISCARDED = """
UPDATE polder_inbox_parkedevent SET times_seen = times_seen + 1, last_seen_at = clock_timestamp()
WHERE state = 'discarded' AND queue = %s AND event_id = ANY(%s)
"""


Message = tuple[Key, str]  # of which event, and the hash of its bytes


class Repeats(NamedTuple):
    """`again` were parked and are to be applied now; each with how many parked messages end with
    it. `reused` are to be parked."""

    again: dict[Key, int]
    reused: list[Arrival]


def told_apart(
    arrivals: Sequence[Arrival],
    known: Mapping[Key, ledger.Known],
    redriven: Collection[int] | None,
) -> Repeats:
    """Of arrivals that the ledger knows. Takes part in the open transaction.

    `redriven` are the parked rows that are being redriven, under their locks; None when the
    arrivals come from the broker. What is discarded stays so, and is counted as seen. An event
    repeated with other content opens a Drift record.
    """
    if not arrivals:
        return Repeats({}, [])  # as nearly always
    there = [(arrival, known[arrival.key]) for arrival in arrivals]
    same = [(arrival, entry) for arrival, entry in there if entry.is_of(arrival.event)]
    _compare(
        [
            arrival
            for arrival, entry in same
            if entry.body_crc not in (None, crc32(arrival.delivery.body))
        ]
    )
    parked = [arrival for arrival, entry in same if entry.outcome == Outcome.PARKED]
    return Repeats(
        _taken_again(parked, redriven),
        [arrival for arrival, entry in there if not entry.is_of(arrival.event)],
    )


def reused(arrival: Arrival) -> Unreadable:
    """Why it is parked."""
    event = arrival.event
    detail = (
        f"{event.type} {event.subject} version {event.aggregateversion} came under the id "
        f"{event.id} of another event of {event.source}"
    )
    return Unreadable(REUSED, detail)


def end_unread(arrivals: Sequence[Arrival], redriven: Collection[int] | None) -> list[Message]:
    """Parked messages that could not be read, of events that have come by these: those that
    ended."""
    return [
        ((publisher, event_id), body_hash)
        for (publisher, queue), ids in _by_queue(arrivals).items()
        for event_id, body_hash in _end(queue, ids, redriven, "AND traceback = ''")
    ]


def _taken_again(parked: Sequence[Arrival], redriven: Collection[int] | None) -> dict[Key, int]:
    ended: Counter[Key] = Counter()
    for (publisher, queue), ids in _by_queue(parked).items():
        ended.update((publisher, key) for key, _ in _end(queue, ids, redriven))
        if redriven is not None:
            # its own message, which `redrive` marks
            ended.update((publisher, key) for key in ids)
        elif others := [key for key in ids if (publisher, key) not in ended]:
            with connection.cursor() as cursor:
                cursor.execute(_SEE_DISCARDED, [queue, others])
    return dict(ended)


def _by_queue(arrivals: Sequence[Arrival]) -> dict[tuple[str, str], list[UUID]]:
    ids: dict[tuple[str, str], list[UUID]] = defaultdict(list)
    for delivery, event in arrivals:
        ids[delivery.publisher, delivery.queue].append(event.id)
    return dict(sorted(ids.items()))


def _end(
    queue: str, ids: Sequence[UUID], redriven: Collection[int] | None, also: str = ""
) -> list[tuple[UUID, str]]:
    with connection.cursor() as cursor:
        cursor.execute(
            _END_PARKED.format(also=also), [NEVER_ENDED, queue, list(ids), list(redriven or ())]
        )
        return list(cursor.fetchall())


def _compare(other_bytes: Sequence[Arrival]) -> None:
    """The same event in other bytes may say the same; the replica tells, if it is still at that
    version."""
    for aggregate, replication in replications.items():
        events = [
            event for _, event in other_bytes if f"{event.service}.{event.aggregate}" == aggregate
        ]
        if events:
            open_drift(replication, events)
