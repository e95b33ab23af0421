"""Tables partitioned by their UUIDv7 key into weeks, so that the old is dropped in whole ranges and never deleted row by row.

The run-time role may not create tables. Partitions ahead are therefore made by a function of the table's owner
(SECURITY DEFINER), which takes no name and no SQL from its caller.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db import connection, migrations

WEEKS_BACK = 3  # an event may have waited in a queue that long when a service is installed
DAYS_AHEAD = 14


def partitioned_table(table: str, columns: str, *, indexes: str = "", default_partition: bool) -> migrations.RunSQL:
    """The migration step that creates `table`, its first partitions, and `<table>_make_partitions(days_ahead)`."""
    default = f"CREATE TABLE {table}_default PARTITION OF {table} DEFAULT;" if default_partition else ""
    return migrations.RunSQL(
        sql=f"""
        CREATE TABLE {table} ({columns}) PARTITION BY RANGE (id);
        {indexes}
        {default}
        {_MAKE_PARTITIONS.replace("%table%", table)}
        SELECT {table}_make_partitions({DAYS_AHEAD}, {WEEKS_BACK});
        """,
        reverse_sql=f"DROP TABLE {table}; DROP FUNCTION {table}_make_partitions;",
    )


def partition_functions(table: str, *, still_needed: str = "") -> migrations.RunSQL:
    """The migration step that makes `<table>_make_partitions` anew as it is written here, and `<table>_drop_partitions(weeks_kept)`.

    `still_needed` is a condition on rows: a week that holds one is not dropped.
    """
    drop = _DROP_PARTITIONS.replace("%needed%", still_needed or "false")
    sql = _MAKE_PARTITIONS + drop
    return migrations.RunSQL(sql=sql.replace("%table%", table), reverse_sql=f"DROP FUNCTION {table}_drop_partitions;")


# A UUIDv7 begins with 48 bits of milliseconds since 1970 (RFC 9562), so a week of keys is one range. A partition is
# attached and not created in place: that takes no lock that a writer waits for, and rows which went to the default
# partition while there was no better place are moved first, or PostgreSQL would refuse the partition for ever.
_MAKE_PARTITIONS = """
CREATE OR REPLACE FUNCTION %table%_make_partitions(days_ahead integer, weeks_back integer DEFAULT 0) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    week timestamptz := date_trunc('week', now(), 'UTC') - weeks_back * interval '7 days';
    made integer := 0;
    name text;
    low uuid;
    high uuid;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('%table%_make_partitions'));
    WHILE week < now() + days_ahead * interval '1 day' LOOP
        name := '%table%_' || to_char(week AT TIME ZONE 'UTC', 'IYYY"w"IW');
        IF to_regclass(name) IS NULL THEN
            low := rpad(lpad(to_hex((extract(epoch FROM week) * 1000)::bigint), 12, '0'), 32, '0')::uuid;
            high := rpad(lpad(to_hex((extract(epoch FROM week + interval '7 days') * 1000)::bigint), 12, '0'), 32, '0')::uuid;
            EXECUTE format('CREATE TABLE %I (LIKE %table% INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', name);
            IF to_regclass('%table%_default') IS NOT NULL THEN
                EXECUTE format('WITH moved AS (DELETE FROM %table%_default WHERE id >= %L AND id < %L RETURNING *) '
                    'INSERT INTO %I SELECT * FROM moved', low, high, name);
            END IF;
            EXECUTE format('ALTER TABLE %table% ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', name, low, high);
            made := made + 1;
        END IF;
        week := week + interval '7 days';
    END LOOP;
    RETURN made;
END $$;
"""

# Only whole weeks, only those made by the function above, and never fewer than four weeks back, whoever asks.
_DROP_PARTITIONS = """
CREATE OR REPLACE FUNCTION %table%_drop_partitions(weeks_kept integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    first_kept text := '%table%_' || to_char((now() - greatest(weeks_kept, 4) * interval '7 days') AT TIME ZONE 'UTC', 'IYYY"w"IW');
    dropped integer := 0;
    name text;
    needed boolean;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('%table%_make_partitions'));
    FOR name IN SELECT relname FROM pg_inherits JOIN pg_class ON oid = inhrelid
        WHERE inhparent = '%table%'::regclass AND relname ~ '^%table%_[0-9]{4}w[0-9]{2}$' AND relname < first_kept ORDER BY relname
    LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM %I WHERE %needed%)', name) INTO needed;
        IF NOT needed THEN
            EXECUTE format('DROP TABLE %I', name);
            dropped := dropped + 1;
        END IF;
    END LOOP;
    RETURN dropped;
END $$;
"""


def make_partitions(table: str, weeks_back: int = 0) -> int:
    """Makes what is missing from so many weeks back to 14 days ahead; returns how many. May run at any time, twice, at once."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {table}_make_partitions(%s, %s)", [DAYS_AHEAD, weeks_back])
        return int(cursor.fetchone()[0])


def drop_partitions(table: str, weeks_kept: int) -> int:
    """Drops the weeks that ended longer ago, but for those in which a row is still needed; returns how many. May run twice, at once."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {table}_drop_partitions(%s)", [weeks_kept])
        return int(cursor.fetchone()[0])


def database_now() -> datetime:
    """What time it is for the database, whatever this process's clock says."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        now: datetime = cursor.fetchone()[0]
        return now


def covered(table: str) -> tuple[datetime, datetime]:
    """From when to when, around now and without a gap, `table` has partitions for its keys (the default one not counted)."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT (regexp_matches(pg_get_expr(c.relpartbound, c.oid), $q$FROM \\('([^']+)'\\) TO \\('([^']+)'\\)$q$))
            FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
            WHERE i.inhparent = %s::regclass
            """,
            [table],
        )
        ranges = sorted((moment_of(UUID(start)), moment_of(UUID(end))) for ((start, end),) in cursor.fetchall())
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
    """When a UUIDv7 was made, to the millisecond; the end of the year 9999 for what claims to be later still."""
    try:
        return datetime.fromtimestamp(milliseconds_of(key) / 1000, UTC)
    except (ValueError, OverflowError):
        return LAST_MOMENT


def start_of_week(moment: datetime, weeks_back: int = 0) -> datetime:
    """The Monday, midnight in UTC, at which the partition begins that lies so many weeks before the moment's own."""
    midnight = moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight - timedelta(days=midnight.weekday(), weeks=weeks_back)


def first_key_at(moment: datetime) -> UUID:
    """The lowest UUIDv7 that can have been made at that moment: keys from it on were made then or later."""
    return UUID(int=max(0, round(moment.timestamp() * 1000)) << 80)
