"""How far behind each publisher this service certainly is: what the publisher had committed until
its last heartbeat has been handled here, but for what was parked.

A heartbeat goes to one worker, and says what that one has handled. So the oldest of all workers'
counts, until a worker has been silent for so long that what it had went to others, or is known to
wait: for a lock, say. What waits counts, whoever has it. What was heard in the future was heard
before this database's clock was set back: nobody knows how long ago.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import OuterRef, Q, Subquery
from django.db.models.functions import Least, Now

from polder.replication.models import Heartbeat
from polder.replication.replica import publishers
from polder.retention import delete_in_steps, retention_policy
from polder.span import span

LATE = 20.0  # seconds; publishers are heard every five
SILENT = timedelta(minutes=2)  # after which what a worker had was certainly delivered again
KEPT = timedelta(days=1)
TRIED = timedelta(minutes=10)  # within which what still waits was certainly tried again

_NOTE = """
INSERT INTO polder_replication_heartbeat (publisher, worker, until, heard_at)
SELECT publisher, %s, until, clock_timestamp() FROM unnest(%s::text[], %s::timestamptz[])
    AS said(publisher, until) ORDER BY publisher
ON CONFLICT (publisher, worker) DO UPDATE SET until = excluded.until, heard_at = excluded.heard_at
"""
_MADE = """
to_timestamp(('x' || left(translate(event_id::text, '-', ''), 12))::bit(48)::bigint / 1000.0)
"""
_COUNTS = f"heard_at > newest - interval '{SILENT.total_seconds():.0f} seconds'"
_HEARD_OF_ALL = """
WITH heard AS (
    SELECT publisher, until AS said, least(until, heard_at) AS until, heard_at,
        max(heard_at) OVER (PARTITION BY publisher) AS newest
    FROM polder_replication_heartbeat WHERE heard_at <= clock_timestamp()
)
"""
_HEARD = f"""
{_HEARD_OF_ALL}
SELECT publisher, greatest(0, extract(epoch FROM clock_timestamp() - min(until)))::float8 FROM (
    SELECT publisher, until FROM heard WHERE {_COUNTS}
"""
_UNTIL = f"{_HEARD_OF_ALL} SELECT min(said) FROM heard WHERE publisher = %s AND {_COUNTS}"
_WAITING = f"""
    UNION ALL SELECT publisher, greatest(least(since, {_MADE}), since - interval '1 hour')
    FROM polder_inbox_waitingevent WHERE parked_at IS NULL
        AND last_at > clock_timestamp() - interval '{TRIED.total_seconds():.0f} seconds'
        AND publisher IN (SELECT publisher FROM heard)
"""
_BY_PUBLISHER = ") AS until GROUP BY publisher ORDER BY publisher"
BEHIND = _HEARD + _WAITING + _BY_PUBLISHER
# since whichever worker heard of it last; how much an earlier one may still have is not asked
SILENT_FOR = f"""
{_HEARD_OF_ALL}
SELECT publisher, greatest(0, extract(epoch FROM clock_timestamp() - max(until)))::float8 FROM heard
GROUP BY publisher ORDER BY publisher
"""


def note(worker: str, until: Mapping[str, datetime]) -> None:
    """By publisher. May run twice."""
    with connection.cursor() as cursor:
        cursor.execute(_NOTE, [worker, list(until), list(until.values())])


def behind() -> dict[str, float]:
    """Seconds, by publisher; without those of which no heartbeat has come yet. By the publishers'
    clocks and this database's: one that is ahead makes none fresher than when it was heard, and one
    that is behind makes it look as much older."""
    return _seconds(BEHIND)


def handled_until(publisher: str) -> datetime | None:
    """By the publisher's clock: what it had committed before has been handled by whichever worker
    had it, waits for a lock, or was parked. None before a heartbeat has come."""
    with connection.cursor() as cursor:
        cursor.execute(_UNTIL, [publisher])
        until: datetime | None = cursor.fetchone()[0]
        return until


def late() -> dict[str, str]:
    """What to say of each publisher that no worker has heard for too long. Of events that wait here
    a condition of their own tells."""
    return {
        publisher: f"nothing of {publisher} is heard for {span(seconds)}: is the worker here away, "
        "the relay there, or the broker?"
        for publisher, seconds in _seconds(SILENT_FOR).items()
        if seconds > LATE
    }


def of_ours(rows: Iterable[Sequence[Any]]) -> list[tuple[str, float]]:
    """Without those of publishers that this service has left."""
    ours = publishers()
    return [(publisher, seconds) for publisher, seconds in rows if publisher in ours]


def _seconds(sql: str) -> dict[str, float]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return dict(of_ours(cursor.fetchall()))


def told(seconds: float | None) -> str:
    """For people; empty when nothing is known."""
    return "" if seconds is None else f"at most {span(seconds)} behind"


@retention_policy("heartbeats of workers that are gone")
def forget_heartbeats() -> int:
    """Not the newest of a publisher that is silent itself: by it is known how far behind this
    service is. What was heard in the future counts as heard now, so that it grows old. How many.
    May run at any time, twice, at once."""
    Heartbeat.objects.filter(heard_at__gt=Now()).update(heard_at=Now(), until=Least("until", Now()))
    newest = Heartbeat.objects.filter(publisher=OuterRef("publisher")).order_by("-heard_at")
    gone = Q(heard_at__lt=Subquery(newest.values("heard_at")[:1]) - KEPT)
    left = ~Q(publisher__in=publishers()) & Q(heard_at__lt=Now() - KEPT)
    return delete_in_steps(Heartbeat.objects.filter(gone | left))
