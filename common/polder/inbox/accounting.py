"""What is counted of a delivery or a redrive, by publisher and outcome, so that anyone can check
that published = queued + accounted for. Every counter only rises.

A delivery from the broker is counted once: as what became of it when it came first, else as a
duplicate. So published events less deliveries that are no duplicates are under way. What was parked
ends by a redrive (by hand, or because it arrived again and could be applied): that is counted
apart, once for each parked message that ended. Only what was discarded unread, or killed its
process, and came again, is counted twice until its row is redriven.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from zlib import crc32

from django.db import OperationalError, connection

from polder.database.partitioning import milliseconds_of
from polder.errors.faults import Fault, fault_of
from polder.inbox import ledger
from polder.inbox.delivery import Arrival, Key
from polder.inbox.horizon import horizon
from polder.inbox.models import Outcome, Redriven, Unrecorded
from polder.inbox.parking import park_unreadable
from polder.inbox.repeats import Message, Repeats, reused

SLOTS = 32
_turned_away = 0  # how often this process found its slot held by somebody

_COUNT = """
INSERT INTO polder_inbox_deliverycount AS accounting (publisher, outcome, slot, count, last_at)
SELECT publisher, outcome, %s, count, clock_timestamp()
FROM unnest(%s::text[], %s::text[], %s::bigint[]) AS new(publisher, outcome, count)
ON CONFLICT (publisher, outcome, slot) DO UPDATE
    SET count = accounting.count + excluded.count, last_at = excluded.last_at
RETURNING EXISTS (SELECT FROM polder_inbox_parkedevent WHERE state = 'parked' AND traceback = ''
    AND event_id IS NOT NULL)
"""

Counts = Counter[tuple[str, str]]
# the parked rows whose messages are applied again; None: they come from the broker
Redriving = Sequence[int] | None


def count(deliveries: Counts) -> bool:
    """Adds (publisher, outcome) -> number; whether anything is parked that could not be read and
    whose event may have come now.

    The last statement of a batch: its row locks are held for the commit only. Where somebody else
    holds the rows for long, the next try counts in others.
    """
    global _turned_away
    if not deliveries:
        return False
    slot = (os.getpid() + _turned_away) % SLOTS
    rows = sorted(deliveries.items())
    with connection.cursor() as cursor:
        try:
            cursor.execute(
                _COUNT,
                [
                    slot,
                    [publisher for (publisher, _), _ in rows],
                    [outcome for (_, outcome), _ in rows],
                    [number for _, number in rows],
                ],
            )
        except OperationalError as error:
            _turned_away += fault_of(error) is Fault.LOCKED
            raise
        return bool(cursor.fetchone()[0])


def of_parked(publisher: str, outcome: str, *, is_new: bool, redriven: Redriving) -> Counts:
    """Of a message that was parked; `is_new` when it had not been there, or had been redriven
    before."""
    if redriven is not None:
        return Counter({(publisher, str(Redriven.FAILED)): 1})
    return Counter({(publisher, str(outcome if is_new else Unrecorded.DUPLICATE)): 1})


def of_duplicate(publisher: str, redriven: Redriving) -> Counts:
    return Counter(
        {(publisher, str(Unrecorded.DUPLICATE if redriven is None else Redriven.DUPLICATE)): 1}
    )


def of_unread(ended: Sequence[Message], arrivals: Sequence[Arrival], counted: Counts) -> Counts:
    """Of messages that could not be read, when their event has come by these arrivals, which are
    `counted` in the open transaction.

    The event came by another message, or the very bytes came again: then that was no new delivery,
    and what was counted as one is taken back, so its number is less than none here.
    """
    counts: Counts = Counter()
    outcomes = _by_the_same_bytes(ended, arrivals) if ended else {}
    for message in ended:
        (publisher, _), _ = message
        outcome = outcomes.get(message)
        if outcome is None or counted[publisher, outcome] + counts[publisher, outcome] <= 0:
            counts[publisher, str(Redriven.DUPLICATE)] += 1
            continue
        counts[publisher, outcome] -= 1
        counts[publisher, str(Unrecorded.DUPLICATE)] += 1
        counts[publisher, str(Redriven.of(outcome))] += 1
    return counts


def _by_the_same_bytes(
    ended: Sequence[Message], arrivals: Sequence[Arrival]
) -> Mapping[Message, str]:
    """What became of the events that the ledger has in the very bytes of what ended."""
    came = {(one.key, one.delivery.body_hash): one for one in arrivals}
    again = {message: came[message] for message in ended if message in came}
    known = ledger.known(list(again.values())) if again else {}
    return {
        message: known[arrival.key].outcome
        for message, arrival in again.items()
        if arrival.key in known
        and known[arrival.key].body_crc == crc32(arrival.delivery.body)
        and known[arrival.key].outcome != Outcome.PARKED
    }


def of_applied(
    arrivals: Sequence[Arrival],
    unique: Mapping[Key, Arrival],
    outcomes: Mapping[Key, Outcome],
    repeats: Repeats,
    redriven: Redriving,
) -> Counts:
    """Of all that went through the ledger together. Parks those of another event under a used
    id.
    """
    if redriven is None and repeats == ({}, []):
        counted = Counter((publisher, str(outcome)) for (publisher, _), outcome in outcomes.items())
    else:
        counted = _of_redriven(outcomes, repeats, redriven)
    counted_already = outcomes.keys() | {arrival.key for arrival in repeats.reused}
    if len(arrivals) > len(counted_already):
        for arrival in arrivals:
            if unique[arrival.key] is not arrival or arrival.key not in counted_already:
                counted += of_duplicate(arrival.delivery.publisher, redriven)
    for arrival in repeats.reused:
        is_new = park_unreadable(arrival.delivery, reused(arrival), arrival.event)
        counted += of_parked(
            arrival.delivery.publisher, Unrecorded.UNREADABLE, is_new=is_new, redriven=redriven
        )
    return counted


def _of_redriven(
    outcomes: Mapping[Key, Outcome],
    repeats: Repeats,
    redriven: Redriving,
) -> Counts:
    """One of the parked messages of an event ends as what became of the event, the others as its
    duplicates."""
    counted: Counts = Counter()
    for key, outcome in outcomes.items():
        (publisher, event_id), ended = key, repeats.again.get(key, 0)
        if redriven is None and not ended:
            counted[publisher, str(outcome)] += 1
            continue
        beyond = redriven is not None and not horizon().covers(milliseconds_of(event_id))
        counted[publisher, str(Redriven.BEYOND if beyond else Redriven.of(outcome))] += 1
        if ended > 1:
            counted[publisher, str(Redriven.DUPLICATE)] += ended - 1
        if redriven is None:
            counted[publisher, str(Unrecorded.DUPLICATE)] += 1
    return counted
