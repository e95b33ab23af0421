"""Attempts at messages that may be what kills their process: each is on record before it is made,
and taken back when it came to an end."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection

from polder.inbox.delivery import Delivery

# The same message may be under way in two processes: it came again while the first still had it.
# The first one's session lives then, so nothing was lost, and the record stays the first one's.
# A role that was assumed may not see when a session began.
_SESSION = "concat(pid, '-', extract(epoch FROM backend_start))"
_UNDER_WAY = f"""attempt.session IN (SELECT {_SESSION}
        FROM pg_stat_activity WHERE pid <> pg_backend_pid())"""
_BEGIN = f"""
INSERT INTO polder_inbox_attempt AS attempt (queue, body_hash, attempts, session, last_at)
SELECT queue, body_hash, 1, (SELECT {_SESSION} FROM pg_stat_activity
    WHERE pid = pg_backend_pid()), clock_timestamp()
FROM unnest(%(queues)s::text[], %(hashes)s::text[]) AS begun(queue, body_hash) ORDER BY body_hash
ON CONFLICT (queue, body_hash) DO UPDATE SET last_at = excluded.last_at,
    attempts = attempt.attempts + CASE WHEN {_UNDER_WAY} THEN 0 ELSE %(one_more)s END,
    session = CASE WHEN {_UNDER_WAY} THEN attempt.session ELSE excluded.session END
RETURNING queue, body_hash, attempts - 1
"""
_END = f"""
DELETE FROM polder_inbox_attempt AS attempt
WHERE (queue, body_hash) IN (SELECT * FROM unnest(%s::text[], %s::text[])) AND NOT {_UNDER_WAY}
"""


def begin_attempts(deliveries: Sequence[Delivery], *, survived: bool = False) -> list[int]:
    """Counts one more attempt at each; commits by itself. Returns the attempts before this one, in
    the same order, that were begun and have not come to an end, so that their process was lost;
    an attempt that is still under way elsewhere is none.
    `survived`: the last one was answered, though it may not have been possible to take it back (the
    database was away); this one takes its place."""
    keys = [(one.queue, one.body_hash) for one in deliveries]
    distinct = sorted(set(keys))
    with connection.cursor() as cursor:
        queues, hashes = [queue for queue, _ in distinct], [body_hash for _, body_hash in distinct]
        cursor.execute(
            _BEGIN, {"one_more": 0 if survived else 1, "queues": queues, "hashes": hashes}
        )
        before = {
            (queue, body_hash): int(attempts) for queue, body_hash, attempts in cursor.fetchall()
        }
    return [before[key] for key in keys]


def end_attempts(deliveries: Sequence[Delivery]) -> None:
    """They came to an end, one way or another. What another session has under way stays on
    record."""
    with connection.cursor() as cursor:
        cursor.execute(
            _END, [[one.queue for one in deliveries], [one.body_hash for one in deliveries]]
        )
