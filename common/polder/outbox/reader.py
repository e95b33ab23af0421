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
from psycopg import sql

from polder import this_service
from polder.broker.trouble import BLOCKS
from polder.database.connection import assumed_role, look_at, psycopg_parameters
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
OPEN_FOR = 60.0  # seconds; no transaction of a service's own is open for as long
# All other events wait while a lock is waited for. Rows hidden from our role would never be
# published: rather an error. A process that is frozen keeps the leader's lock no longer than so.
_OWN = (("lock_timeout", "1s"), ("row_security", "off"), ("idle_session_timeout", "60s"))

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
    "UPDATE polder_outbox SET published_at = now() WHERE id = ANY(%(ids)s::uuid[]) AND id BETWEEN "
    "%(low)s AND %(high)s AND published_at IS NULL"
)
_MARK_FREE = """
UPDATE polder_outbox SET published_at = now() WHERE id BETWEEN %(low)s AND %(high)s AND id IN (
    SELECT id FROM polder_outbox WHERE id = ANY(%(ids)s::uuid[]) AND id BETWEEN %(low)s AND %(high)s
        AND published_at IS NULL FOR UPDATE SKIP LOCKED)
"""
_UNMARKED = (
    "SELECT id::text FROM polder_outbox WHERE id = ANY(%(ids)s::uuid[]) AND id BETWEEN %(low)s "
    "AND %(high)s AND published_at IS NULL"
)
# Whoever could be in the way of our statements; what others do is hidden from our role.
_HOLDERS = """
SELECT coalesce(string_agg(DISTINCT CASE WHEN pid IS NULL THEN 'a prepared transaction'
    ELSE concat('process ', pid, ' of ', usename) END, ', '), 'somebody who is gone by now')
FROM pg_locks LEFT JOIN pg_stat_activity USING (pid)
WHERE locktype = 'relation' AND granted AND pid IS DISTINCT FROM pg_backend_pid()
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND mode NOT IN ('AccessShareLock', 'ShareUpdateExclusiveLock')
    AND (relation = 'polder_outbox'::regclass OR relation IN (
        SELECT inhrelid FROM pg_inherits WHERE inhparent = 'polder_outbox'::regclass))
    AND (%(writers)s::text[] IS NULL OR virtualtransaction = ANY(%(writers)s))
"""
# of what somebody holds it is found out again
_IF_FREE = "(SELECT id FROM polder_outbox WHERE id = %s FOR UPDATE SKIP LOCKED)"
_REFUSED = f"""
UPDATE polder_outbox SET attempts = attempts + 1, error = %s,
    retry_at = now() + (interval '1 second' * 2 ^ attempts),
    held_at = CASE WHEN attempts + 1 >= %s THEN now() END
WHERE id = {_IF_FREE}
"""
# now() is of before the snapshot by which the rows are seen.
_UNPUBLISHED = f"""
SELECT now(), NULL UNION ALL
(SELECT created_at, id FROM polder_outbox
    WHERE held_at IS NULL AND published_at IS NULL AND {ABOVE_FLOOR} ORDER BY position LIMIT 1)
UNION ALL
(SELECT created_at, id FROM polder_outbox WHERE held_at IS NOT NULL ORDER BY created_at LIMIT 1)
"""
_BLOCKS = (
    "INSERT INTO polder_broker_difference (sentence, since) VALUES (%s, clock_timestamp()) "
    "ON CONFLICT DO NOTHING"
)
_TAKES = "DELETE FROM polder_broker_difference WHERE sentence = %s"
_HOLD = f"UPDATE polder_outbox SET held_at = now(), error = %s WHERE id = {_IF_FREE}"


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
        self._next_complaint = self._next_raise + OPEN_FOR
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
        ours = as_options((*_OWN, *KEPT_ALIVE))
        parameters["options"] = f"{parameters.get('options', '')} {ours}"
        connection = psycopg.connect(**parameters, autocommit=True, prepare_threshold=1)
        look_at(connection, parameters["options"])
        if role := assumed_role():
            connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(role)))
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
        before = self._writers
        self._drawn, self._writers = cast("tuple[int, list[str]]", row)
        if not before or self._writers != before:
            self._next_complaint = now + OPEN_FOR
        elif now >= self._next_complaint:
            self._next_complaint = now + OPEN_FOR
            log.warning(
                "a transaction that writes to the outbox has been open for longer than %g s, and "
                "looks take ever longer until it ends: %s",
                *(OPEN_FOR, self.holders(self._writers)),
            )
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
        except (psycopg.errors.QueryCanceled, psycopg.errors.LockNotAvailable):
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

        What is unpublished besides the oldest was inserted later than that one, which is as old as
        it is by the database's clock; also by its id, in case that clock was ahead.
        """
        rows = cast(
            "list[tuple[datetime, UUID | None]]",
            self._connection.execute(_UNPUBLISHED).fetchall(),
        )
        return min(at for made, key in rows for at in (made, moment_of(key) if key else made))

    def mark(self, ids: Sequence[str], *, wait: bool = True) -> set[str]:
        """Published: acked and not returned. Returns those that are not marked, since somebody
        holds their rows; without `wait` at once."""
        if not ids:
            return set()
        among = {"ids": list(ids), "low": min(ids), "high": max(ids)}
        if wait:
            try:
                self._connection.execute(_MARK, among)
            except psycopg.errors.LockNotAvailable as error:
                log.warning(
                    "%s holds published events of the outbox, which are marked when it lets go: %s",
                    *(self.holders(), error.diag.message_primary),
                )
            else:
                return set()
        try:
            self._connection.execute(_MARK_FREE, among)
        except psycopg.errors.LockNotAvailable:  # of the whole table
            if wait:
                log.warning("%s holds the outbox", self.holders())
            return set(ids)
        return {str(key) for (key,) in self._connection.execute(_UNMARKED, among)}

    def holders(self, writers: Sequence[str] | None = None) -> str:
        """Who has locks on the outbox that may be in our way, for people. Of a row, too. Of these
        transactions, or of all."""
        among = {"writers": None if writers is None else list(writers)}
        row = self._connection.execute(_HOLDERS, among).fetchone()
        return str(row[0]) if row else ""

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
