"""Tables partitioned by their UUIDv7 key into weeks, so that the old is dropped in whole ranges and
never deleted row by row.

The run-time role may not create tables. Partitions are therefore made and dropped by functions of
the table's owner (`partition_functions`).
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import RFC_4122, UUID

from django.db import OperationalError, connection, migrations, transaction

from polder.database.partition_functions import functions_of

log = logging.getLogger(__name__)

WEEKS_BACK = 3  # an event may have waited in a queue that long when a service is installed
DAYS_AHEAD = 14
PATIENCE = 5.0  # seconds of trying for a lock, a moment each time
LOCK_NOT_AVAILABLE = "55P03"


def partitioned_table(
    table: str,
    columns: str,
    *,
    indexes: str = "",
    default_partition: bool,
    still_needed: tuple[str, ...] = (),
) -> migrations.RunSQL:
    """The migration step that creates `table`, its functions of `partition_functions` and its first
    partitions.

    `still_needed` are conditions on rows: a week that holds a row of one of them is not dropped.
    """
    default = (
        f"CREATE TABLE {table}_default PARTITION OF {table} DEFAULT;" if default_partition else ""
    )
    return migrations.RunSQL(
        sql=f"""
        CREATE TABLE {table} ({columns}) PARTITION BY RANGE (id);
        {indexes}
        {default}
        {functions_of(table, still_needed)}
        SELECT {table}_make_partitions({DAYS_AHEAD}, {WEEKS_BACK});
        """,
        reverse_sql=f"DROP TABLE {table}; DROP FUNCTION {table}_make_partitions;",
    )


def make_partitions(table: str, weeks_back: int = 0) -> int:
    """Makes what is missing from so many weeks back to 14 days ahead; returns how many. May run at
    any time, twice, at once.

    Each in a transaction of its own. Raises django.db.OperationalError when somebody has been in
    the way for PATIENCE.
    """
    return sum(_one_by_one(f"SELECT {table}_make_partitions(%s, %s, 1)", DAYS_AHEAD, weeks_back))


def drop_partitions(table: str, weeks_kept: int) -> int:
    """Drops the weeks that ended longer ago, but for those in which a row is still needed; returns
    how many. May run twice, at once.

    A table that somebody reads, such as a backup, keeps its weeks until the next time.
    """
    dropped = 0
    try:
        for one in _one_by_one(f"SELECT {table}_drop_partitions(%s, 1)", weeks_kept):
            dropped += one
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", None) != LOCK_NOT_AVAILABLE:
            raise
        log.info(
            "an old week of %s cannot be dropped while somebody reads it; tried again later", table
        )
    return dropped


def _one_by_one(statement: str, *numbers: int) -> Iterator[int]:
    """Executes it until it has nothing left to do. A lock that could not be had in a moment is
    asked for again after a pause in which everybody else goes first."""
    give_up = time.monotonic() + PATIENCE
    while True:
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(statement, numbers)
                done = int(cursor.fetchone()[0])
        except OperationalError as error:
            if (
                getattr(error.__cause__, "sqlstate", None) != LOCK_NOT_AVAILABLE
                or time.monotonic() > give_up
            ):
                raise
            time.sleep(random.uniform(0.05, 0.5))  # noqa: S311  (no secret)
            continue
        if not done:
            return
        yield done


def database_now() -> datetime:
    """What time it is for the database, whatever this process's clock says."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        now: datetime = cursor.fetchone()[0]
        return now


def covered(table: str) -> tuple[datetime, datetime]:
    """From when to when, around now and without a gap, `table` has partitions for its keys (the
    default one not counted)."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT (regexp_matches(pg_get_expr(c.relpartbound, c.oid),
                $q$FROM \\('([^']+)'\\) TO \\('([^']+)'\\)$q$))
            FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
            WHERE i.inhparent = %s::regclass
            """,
            [f"public.{table}"],
        )
        bounds = [found for (found,) in cursor.fetchall()]
    ranges = sorted((moment_of(UUID(start)), moment_of(UUID(end))) for start, end in bounds)
    now = database_now()
    first = last = now
    for start, end in ranges:
        if start <= last:
            last = max(last, end)
    for start, end in reversed(ranges):
        if end >= first:
            first = min(first, start)
    return first, last


LAST_MOMENT = datetime.max.replace(tzinfo=UTC)


def milliseconds_of(key: UUID) -> int:
    """When a UUIDv7 was made, in milliseconds since 1970."""
    return key.int >> 80


def moment_of(key: UUID) -> datetime:
    """When a UUIDv7 was made, to the millisecond; the end of the year 9999 for what claims to be
    later still."""
    try:
        return datetime.fromtimestamp(milliseconds_of(key) / 1000, UTC)
    except (ValueError, OverflowError):
        return LAST_MOMENT


def start_of_week(moment: datetime, weeks_back: int = 0) -> datetime:
    """The Monday, midnight in UTC, at which the partition begins that lies so many weeks before the
    moment's own."""
    midnight = moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight - timedelta(days=midnight.weekday(), weeks=weeks_back)


def first_key_at(moment: datetime) -> UUID:
    """The lowest UUIDv7 that can have been made at that moment: keys from it on were made then or
    later."""
    return UUID(int=max(0, round(moment.timestamp() * 1000)) << 80)


def key_of_now() -> UUID:
    """The moment that it is for the database, as a key that no event has: `is_moment`."""
    return first_key_at(database_now())


def is_moment(key: UUID) -> bool:
    return key.variant != RFC_4122
