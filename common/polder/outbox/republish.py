"""Announcing again: rows that were published become unpublished, and the relay takes them to the
broker once more."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from django.db import connection

from polder import this_service
from polder.database.partitioning import database_now, first_key_at, start_of_week

CHUNK = 5_000  # rows made unpublished in one transaction

# By the id, which tells when an event was made: so only the partitions of that time are looked at,
# and each row once.
_COUNT = (
    "SELECT count(*) FROM polder_outbox WHERE id >= %s AND id < %s AND published_at IS NOT NULL"
)
_UNPUBLISH = """
WITH chunk AS (
    SELECT id FROM polder_outbox WHERE id > %s AND id < %s AND published_at IS NOT NULL
        ORDER BY id LIMIT %s FOR UPDATE
), again AS (
    UPDATE polder_outbox SET published_at = NULL, attempts = 0, retry_at = clock_timestamp()
        WHERE id IN (SELECT id FROM chunk) AND id > %s AND id < %s RETURNING id
)
SELECT max(id::text)::uuid, count(*) FROM again
"""


def reaches_back_to() -> datetime:
    """Nothing older is announced again: every subscriber's ledger reaches that far, and no further
    need it reach."""
    return start_of_week(database_now(), this_service.republish_weeks())


def published_between(since: datetime, until: datetime) -> int:
    """How many published events were made from `since` on and before `until`."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, [first_key_at(since), first_key_at(until)])
        return int(cursor.fetchone()[0])


def republish(since: datetime, until: datetime) -> Iterator[int]:
    """Makes them unpublished, chunk by chunk, each in a transaction of its own; yields how many
    each time.

    `since` is no earlier than `reaches_back_to()`. The events keep their ids: a subscriber that has
    one already counts a duplicate and does nothing. The relay publishes them in their old order,
    before what is new. May run twice, and be broken off at any time.
    """
    last, end = UUID(int=max(0, first_key_at(since).int - 1)), first_key_at(until)
    while True:
        with connection.cursor() as cursor:
            cursor.execute(_UNPUBLISH, [last, end, CHUNK, last, end])
            reached, count = cursor.fetchone()
        if reached is None:
            return
        last = reached
        yield int(count)
