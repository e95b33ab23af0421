"""The relay's one direct connection to the database: the leader's lock, the unpublished rows, the marks. Its SQL is all here."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Self, cast

import psycopg
from django.db import connection as django_connection

from common import this_service

ATTEMPTS = 5  # refusals for its own sake until a row is held

# "Not yet published", never "after the last one seen": a position is drawn at insert and becomes visible at commit.
_SELECT = """
SELECT id::text, type, convert_to(body, 'UTF8'), position FROM outbox
WHERE published_at IS NULL AND held_at IS NULL AND (retry_at IS NULL OR retry_at <= now())
    AND (position > %(last)s OR position <> ALL(%(under_way)s))
ORDER BY position LIMIT %(limit)s
"""
# The bounds let the planner leave out the partitions that cannot hold the ids.
_MARK = "UPDATE outbox SET published_at = now() WHERE id = ANY(%s::uuid[]) AND id BETWEEN %s AND %s AND published_at IS NULL"
_REFUSED = """
UPDATE outbox SET attempts = attempts + 1, error = %s, retry_at = now() + (interval '1 second' * 2 ^ attempts),
    held_at = CASE WHEN attempts + 1 >= %s THEN now() END
WHERE id = %s
"""
_HOLD = "UPDATE outbox SET held_at = now(), error = %s WHERE id = %s"


# It is the server that frees the lock of a relay whose machine is gone.
_SERVER_KEEPALIVES = "-c tcp_keepalives_idle=5 -c tcp_keepalives_interval=2 -c tcp_keepalives_count=3 -c tcp_user_timeout=10000"


class Row(NamedTuple):
    id: str
    kind: str
    body: bytes
    position: int


class Unpublished:
    """A direct connection (no transaction pooler may stand between): the lock lives as long as it does, and so do the marks.

    Every method may raise psycopg.Error; the lock is then to be taken as lost.
    """

    def __init__(self, connection: psycopg.Connection[tuple[object, ...]]) -> None:
        self._connection = connection

    @classmethod
    def connect(cls) -> Self:
        """With keepalives: a lost peer is noticed, and its lock freed, within about ten seconds."""
        parameters = django_connection.get_connection_params()
        for unknown in ("cursor_factory", "context", "server_side_binding", "prepare_threshold"):
            parameters.pop(unknown, None)
        parameters |= {"keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3, "tcp_user_timeout": 10_000}
        parameters["options"] = f"{parameters.get('options', '')} {_SERVER_KEEPALIVES}"
        return cls(psycopg.connect(**parameters, autocommit=True, prepare_threshold=1))

    def lead(self) -> bool:
        """Whether this connection now holds the service's relay lock. Never waits."""
        key = zlib.crc32(f"relay of {this_service.name()}".encode())
        row = self._connection.execute("SELECT pg_try_advisory_lock(%s)", [key]).fetchone()
        return bool(row and row[0])

    def select(self, limit: int, under_way: Sequence[Row] = ()) -> list[Row]:
        """The oldest rows to be published, in their order, without those under way. No transaction stays open.

        Without those very rows and not without their range: a row that has become visible within it since comes first, or
        its aggregate's next version would go out before it.
        """
        positions = [row.position for row in under_way]
        cursor = self._connection.cursor(binary=True)
        cursor.execute(_SELECT, {"last": max(positions, default=-1), "under_way": positions, "limit": limit})
        return [Row(*cast("tuple[str, str, bytes, int]", row)) for row in cursor.fetchall()]

    def mark(self, ids: Sequence[str]) -> None:
        """Published: acked and not returned."""
        if ids:
            self._connection.execute(_MARK, [list(ids), min(ids), max(ids)])

    def refused(self, reasons: Mapping[str, str]) -> None:
        """Counts a refusal for each row's own sake; it is tried again later, and held after ATTEMPTS."""
        for key, reason in reasons.items():
            self._connection.execute(_REFUSED, [reason, ATTEMPTS, key])

    def hold(self, key: str, reason: str) -> None:
        """Takes the row out of the stream until an operator releases it."""
        self._connection.execute(_HOLD, [reason, key])

    def close(self) -> None:
        self._connection.close()
