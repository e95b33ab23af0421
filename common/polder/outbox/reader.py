"""The relay's one direct connection to the database: the leader's lock, the unpublished rows, the
marks. Its SQL is all here."""

from __future__ import annotations

import logging
import time
import zlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Self, cast
from uuid import UUID

import psycopg

from polder import this_service
from polder.broker.trouble import BLOCKS
from polder.database.connection import look_at, psycopg_parameters
from polder.database.partitioning import moment_of
from polder.database.session import KEPT_ALIVE, as_options
from polder.outbox.floor import ABOVE_FLOOR, CHECK, RAISE
from polder.outbox.wake import CHANNEL, SLEEP
from polder.process.stopping import Stop

log = logging.getLogger(__name__)

ATTEMPTS = 5  # refusals for its own sake until a row is held
LONGEST_RETRY = 60  # seconds; what is to wait for longer was written before the clock was set back
# of the bodies of a window; two of them, and copies on their way, are in memory at a time
WINDOW_BYTES = 4_000_000
RAISE_EVERY = 1.0  # seconds between two tries to raise the floor
CHECK_EVERY = 3600.0

# "Not yet published", never "after the last one seen": a position is drawn at insert and becomes
# visible at commit. Of so many rows only the first that are `bytes` long together, and always one;
# a body's length is known without reading it.
SELECT = f"""
SELECT id::text, type, convert_to(body, 'UTF8'), position FROM (
    SELECT id, type, body, position,
        sum(octet_length(body)) OVER (ORDER BY position) AS together FROM (
        SELECT id, type, body, position FROM polder_outbox
        WHERE published_at IS NULL AND held_at IS NULL AND {ABOVE_FLOOR} AND (retry_at IS NULL
            OR retry_at <= now() OR retry_at > now() + interval '{LONGEST_RETRY} seconds')
            AND (position > %(last)s OR position <> ALL(%(under_way)s::bigint[]))
        ORDER BY position LIMIT %(limit)s
    ) AS oldest
) AS summed WHERE together <= %(bytes)s OR together = octet_length(body) ORDER BY position
"""
# The bounds let the planner leave out the partitions that cannot hold the ids.
_MARK = (
    "UPDATE polder_outbox SET published_at = now() WHERE id = ANY(%s::uuid[]) AND id BETWEEN %s "
    "AND %s AND published_at IS NULL"
)
_REFUSED = """
UPDATE polder_outbox SET attempts = attempts + 1, error = %s,
    retry_at = now() + (interval '1 second' * 2 ^ attempts),
    held_at = CASE WHEN attempts + 1 >= %s THEN now() END
WHERE id = %s
"""
# now() is of before the snapshot by which the rows are seen.
_UNPUBLISHED = f"""
SELECT now(),
    (SELECT id FROM polder_outbox WHERE held_at IS NULL AND published_at IS NULL AND {ABOVE_FLOOR}
        ORDER BY position LIMIT 1),
    (SELECT id FROM polder_outbox WHERE held_at IS NOT NULL ORDER BY id LIMIT 1)
"""
_BLOCKS = (
    "INSERT INTO polder_broker_difference (sentence, since) VALUES (%s, clock_timestamp()) "
    "ON CONFLICT DO NOTHING"
)
_TAKES = "DELETE FROM polder_broker_difference WHERE sentence = %s"
_HOLD = "UPDATE polder_outbox SET held_at = now(), error = %s WHERE id = %s"


class Row(NamedTuple):
    id: str
    kind: str
    body: bytes
    position: int


class OutboxReader:
    """A direct connection (no transaction pooler may stand between): the lock lives as long as it
    does, and so do the marks.

    Every method may raise psycopg.Error; the lock is then to be taken as lost.
    """

    def __init__(self, connection: psycopg.Connection[tuple[object, ...]]) -> None:
        self._connection = connection
        self._drawn: int | None = None  # and who was writing then: see `floor`
        self._writers: list[str] = []
        self._next_raise = time.monotonic()
        self._next_check = self._next_raise + CHECK_EVERY / 60
        self._woken = False  # while it waited for the answer to something else
        connection.add_notify_handler(self._wake)

    @classmethod
    def connect(cls) -> Self:
        """With keepalives: a lost peer is noticed, and its lock freed, within about ten seconds."""
        parameters = psycopg_parameters() | {
            "keepalives_idle": 5,
            "keepalives_interval": 2,
            "keepalives_count": 3,
            "tcp_user_timeout": 10_000,
        }
        parameters["options"] = f"{parameters.get('options', '')} {as_options(KEPT_ALIVE)}"
        connection = psycopg.connect(**parameters, autocommit=True, prepare_threshold=1)
        look_at(connection, parameters["options"])
        return cls(connection)

    def try_lead(self) -> bool:
        """Whether this connection now holds the service's relay lock. Never waits."""
        key = zlib.crc32(f"relay of {this_service.name()}".encode())
        row = self._connection.execute("SELECT pg_try_advisory_lock(%s)", [key]).fetchone()
        return bool(row and row[0])

    def listen(self) -> None:
        """To whoever wakes us."""
        self._connection.execute(f"LISTEN {CHANNEL}")

    def sleep(self, asleep: bool) -> None:
        """Whether writers wake us from now on."""
        self._connection.execute(SLEEP, [asleep])

    def wait(self, stop: Stop, seconds: float) -> None:
        """Until a writer wakes us; no longer than so, or than `stop`."""
        if not self._woken:
            stop.wait(seconds, beside=self._connection.fileno())
        server = self._connection.pgconn
        server.consume_input()
        while server.notifies():
            pass
        self._woken = False

    def select(self, limit: int, under_way: Sequence[Row] = ()) -> list[Row]:
        """The oldest rows to be published, in their order, without those under way. No transaction
        stays open.

        Without those very rows and not without their range: a row that has become visible within it
        since comes first, or its aggregate's next version would go out before it.
        """
        positions = [row.position for row in under_way]
        cursor = self._connection.cursor(binary=True)
        cursor.execute(
            SELECT,
            {
                "last": max(positions, default=-1),
                "under_way": positions,
                "limit": limit,
                "bytes": WINDOW_BYTES,
            },
        )
        return [Row(*cast("tuple[str, str, bytes, int]", row)) for row in cursor.fetchall()]

    def raise_floor(self) -> None:
        """So that the next look begins where there may be something; does nothing when it was
        called a moment ago."""
        if (now := time.monotonic()) < self._next_raise:
            return
        self._next_raise = now + RAISE_EVERY
        row = self._connection.execute(RAISE, [self._drawn, self._writers]).fetchone()
        self._drawn, self._writers = cast("tuple[int, list[str]]", row)
        if now >= self._next_check:
            self._next_check = now + CHECK_EVERY
            self._check_floor()

    def _check_floor(self) -> None:
        """Has to walk over all that a snapshot keeps, so it may be given up, and is tried again in
        an hour."""
        try:
            with self._connection.transaction():
                self._connection.execute("SET LOCAL statement_timeout = '5s'")
                row = self._connection.execute(CHECK).fetchone()
        except psycopg.errors.QueryCanceled:
            return
        if row and row[0] is not None:
            log.error(
                "the outbox held unpublished events below its floor, the first at position %s; "
                "they are published now",
                row[0],
            )

    def published_until(self) -> datetime:
        """All that was committed before then is published and confirmed, unless a window is under
        way.

        What is unpublished besides the oldest was inserted later than that one, whose id is as old
        as it is.
        """
        row = self._connection.execute(_UNPUBLISHED).fetchone()
        now, *unpublished = cast("tuple[datetime, UUID | None, UUID | None]", row)
        return min([now, *(moment_of(key) for key in unpublished if key is not None)])

    def mark(self, ids: Sequence[str]) -> None:
        """Published: acked and not returned."""
        if ids:
            self._connection.execute(_MARK, [list(ids), min(ids), max(ids)])

    def refused(self, reasons: Mapping[str, str]) -> None:
        """Counts a refusal for each row's own sake; it is tried again later, and held after
        ATTEMPTS."""
        for key, reason in reasons.items():
            self._connection.execute(_REFUSED, [reason, ATTEMPTS, key])

    def hold(self, key: str, reason: str) -> None:
        """Takes the row out of the stream until an operator releases it."""
        self._connection.execute(_HOLD, [reason, key])

    def broker_blocks(self, blocks: bool) -> None:
        """So that every process of the service can say it."""
        self._connection.execute(_BLOCKS if blocks else _TAKES, [BLOCKS])

    def _wake(self, _: psycopg.Notify) -> None:
        self._woken = True

    def close(self) -> None:
        self._connection.close()
