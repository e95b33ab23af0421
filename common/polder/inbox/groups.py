"""Parked messages by cause: what is wrong is counted, not listed."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from django.db import connection

from polder.broker.names import publisher_or_nobody

MOST = 100_000  # messages that are counted; beyond, the exact number makes no difference
# the index parked_by_cause finds them; the longest-standing cause first
_GROUPS = """
SELECT queue, type, reason, count(*), min(first_seen_at), max(last_seen_at)
FROM (SELECT * FROM polder_inbox_parkedevent WHERE state = 'parked' LIMIT %s) AS parked
GROUP BY queue, type, reason ORDER BY min(first_seen_at) LIMIT %s
"""


class Group(NamedTuple):
    """What is parked for one cause."""

    queue: str
    type: str  # empty: it says of no type
    reason: str
    number: int
    first: datetime
    last: datetime

    @property
    def publisher(self) -> str:
        return publisher_or_nobody(self.queue) or self.queue

    @property
    def chosen(self) -> dict[str, str]:
        return {"queue": self.queue, "type": self.type, "reason": self.reason}


def groups(limit: int = 100) -> list[Group]:
    """What has been parked for longest first."""
    with connection.cursor() as cursor:
        cursor.execute(_GROUPS, [MOST, limit])
        return [Group(*row) for row in cursor.fetchall()]
