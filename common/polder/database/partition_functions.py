"""The functions in SQL that make and drop the weeks of a partitioned table.

They belong to the table's owner (SECURITY DEFINER), since the run-time role may neither create nor
drop tables. They take no name and no SQL from their caller, and nothing of the session that calls
them changes what they do.

Nobody waits for them longer than LOCK_TIMEOUT: whoever cannot have a lock by then fails with 55P03
and is called again. Each call makes or drops `at_most` so many weeks, so that every week has a
transaction of its own.
"""

from __future__ import annotations

LOCK_TIMEOUT = "200ms"  # all who come later wait behind us as long as we wait

# The owner's own words: whatever a role, a database or a session has set.
_OWN_SETTINGS = f"""SECURITY DEFINER
SET search_path = public, pg_temp SET TimeZone = 'UTC' SET DateStyle = 'ISO, MDY'
    SET IntervalStyle = 'postgres'
SET lock_timeout = '{LOCK_TIMEOUT}'"""

# A UUIDv7 begins with 48 bits of milliseconds since 1970 (RFC 9562), so a week of keys is one
# range.
KEYS = f"""
CREATE OR REPLACE FUNCTION %table%_first_key(moment timestamptz) RETURNS uuid
    LANGUAGE sql {_OWN_SETTINGS} AS $$
    SELECT rpad(lpad(to_hex((extract(epoch FROM moment) * 1000)::bigint), 12, '0'), 32, '0')::uuid
$$;
CREATE OR REPLACE FUNCTION %table%_between(low uuid, high uuid) RETURNS SETOF text
    LANGUAGE sql {_OWN_SETTINGS} AS $$
    SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid,
        regexp_matches(pg_get_expr(relpartbound, pg_class.oid),
            $q$FROM \\('([^']+)'\\) TO \\('([^']+)'\\)$q$) AS bounds
    WHERE inhparent = '%table%'::regclass AND bounds[1]::uuid < high AND bounds[2]::uuid > low
$$;
CREATE OR REPLACE FUNCTION %table%_has_week(week timestamptz) RETURNS boolean
    LANGUAGE sql {_OWN_SETTINGS} AS $$
    SELECT EXISTS (SELECT %table%_between(%table%_first_key(week), %table%_first_key(week
            + interval '1 millisecond')))
        AND EXISTS (SELECT %table%_between(%table%_first_key(week + interval '7 days'
            - interval '1 millisecond'), %table%_first_key(week + interval '7 days')))
$$;
CREATE OR REPLACE FUNCTION %table%_instead_of(week timestamptz) RETURNS text
    LANGUAGE sql {_OWN_SETTINGS} AS $$
    SELECT coalesce(
        (SELECT min(name) FROM %table%_between(%table%_first_key(week),
            %table%_first_key(week + interval '7 days')) AS name),
        to_regclass('%table%_' || to_char(week, 'IYYY"w"IW'))::text)
$$;
"""

# A partition is attached and not created in place, which would take a lock on all of the table.
# Rows that went to the default partition, while there was no better place, belong to the new one;
# otherwise PostgreSQL would refuse it. Writers are kept out by a lock on the table and not on the
# default partition alone: one that waited there had chosen its partition already, and would fail.
#
# A week that cannot be made, since somebody has detached it or made another partition for a part of
# it, keeps no later one from being made. It is told once all others are there.
#
# Few rows are moved. Many would take long, while everybody waits: then the default partition itself
# becomes the week, or the weeks up to now that are missing one after the other, named after the
# last; an empty one takes its place.
MAKE = f"""
DROP FUNCTION IF EXISTS %table%_make_partitions(integer, integer);
CREATE OR REPLACE FUNCTION %table%_make_partitions(days_ahead integer, weeks_back integer DEFAULT 0,
    at_most integer DEFAULT 1000)
RETURNS integer LANGUAGE plpgsql {_OWN_SETTINGS} AS $$
DECLARE
    a_week CONSTANT interval := '7 days';
    few CONSTANT integer := 1000;
    spare CONSTANT regclass := to_regclass('%table%_default');
    week timestamptz := date_trunc('week', now()) - weeks_back * a_week;
    made integer := 0;
    waiting integer := 0;
    oldest timestamptz;
    name text;
    low uuid;
    high uuid;
    blocked text;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('%table%_make_partitions'));
    IF spare IS NOT NULL THEN
        EXECUTE format(
            'SELECT date_trunc(''week'', to_timestamp('
            '(''x'' || left(replace(id::text, ''-'', ''''), 12))::bit(48)::bigint / 1000.0)) '
            'FROM %s WHERE id >= %L ORDER BY id LIMIT 1', spare,
                %table%_first_key(now() - 8 * a_week)) INTO oldest;
        week := least(week, oldest);
    END IF;
    WHILE week < now() + days_ahead * interval '1 day' AND made < at_most LOOP
        low := %table%_first_key(week);
        name := %table%_instead_of(week);
        IF name IS NOT NULL THEN
            IF NOT %table%_has_week(week) THEN
                blocked := coalesce(blocked, format('no partition for %s: %s is in its place, and '
                    'has to be attached for the whole week, or renamed', to_char(week,
                    'IYYY"w"IW'), name));
            END IF;
        ELSE
            IF spare IS NOT NULL THEN
                EXECUTE format(
                    'SELECT count(*) FROM '
                    '(SELECT FROM %s WHERE id >= %L AND id < %L LIMIT %s) AS waiting',
                    spare, low, %table%_first_key(week + a_week), few + 1) INTO waiting;
            END IF;
            WHILE waiting > few AND week + a_week <= now()
                AND %table%_instead_of(week + a_week) IS NULL LOOP
                week := week + a_week;
            END LOOP;
            name := '%table%_' || to_char(week, 'IYYY"w"IW');
            high := %table%_first_key(week + a_week);
            IF waiting > few THEN
                LOCK TABLE ONLY %table% IN ACCESS EXCLUSIVE MODE;
                EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', spare);
                EXECUTE format('ALTER TABLE %table% DETACH PARTITION %s', spare);
                EXECUTE format('ALTER TABLE %s RENAME TO %I', spare, name);
                CREATE TABLE %table%_default (LIKE %table% INCLUDING DEFAULTS
                    INCLUDING CONSTRAINTS);
                EXECUTE format(
                    'WITH moved AS (DELETE FROM %I WHERE id < %L OR id >= %L RETURNING *) '
                    'INSERT INTO %table%_default SELECT * FROM moved', name, low, high);
                EXECUTE format(
                    'ALTER TABLE %table% ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', name,
                    low, high);
                ALTER TABLE %table% ATTACH PARTITION %table%_default DEFAULT;
                RETURN made + 1;
            END IF;
            EXECUTE format(
                'CREATE TABLE %I (LIKE %table% INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', name);
            IF spare IS NOT NULL THEN
                LOCK TABLE ONLY %table% IN SHARE ROW EXCLUSIVE MODE;
                EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', spare);
                EXECUTE format(
                    'WITH moved AS (DELETE FROM %s WHERE id >= %L AND id < %L RETURNING *) '
                    'INSERT INTO %I SELECT * FROM moved', spare, low, high, name);
            END IF;
            EXECUTE format('ALTER TABLE %table% ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                name, low, high);
            made := made + 1;
        END IF;
        week := week + a_week;
    END LOOP;
    IF made = 0 AND blocked IS NOT NULL THEN
        RAISE EXCEPTION USING MESSAGE = blocked, ERRCODE = 'duplicate_table';
    END IF;
    RETURN made;
END $$;
"""

# Only whole weeks, only those made by the function above, and never fewer than four weeks back,
# whoever asks. What is still needed is looked for under the lock: somebody may have made a row
# needed again a moment ago.
DROP = f"""
DROP FUNCTION IF EXISTS %table%_drop_partitions(integer);
CREATE OR REPLACE FUNCTION %table%_drop_partitions(weeks_kept integer, at_most integer DEFAULT 1000)
RETURNS integer LANGUAGE plpgsql {_OWN_SETTINGS} AS $$
DECLARE
    oldest_kept CONSTANT timestamptz := now() - greatest(weeks_kept, 4) * interval '7 days';
    dropped integer := 0;
    name text;
    needed boolean;
    blocked text;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('%table%_make_partitions'));
    FOR name IN SELECT relname FROM pg_inherits JOIN pg_class ON oid = inhrelid
        WHERE inhparent = '%table%'::regclass AND relname ~ '^%table%_[0-9]{{4}}w[0-9]{{2}}$'
            AND relname < '%table%_' || to_char(oldest_kept, 'IYYY"w"IW') ORDER BY relname
    LOOP
        EXIT WHEN dropped >= at_most;
        EXECUTE format('SELECT %needed%', %names%) INTO needed;
        CONTINUE WHEN needed;
        LOCK TABLE ONLY %table% IN ACCESS EXCLUSIVE MODE;
        EXECUTE format('LOCK TABLE %I IN ACCESS EXCLUSIVE MODE', name);
        EXECUTE format('SELECT %needed%', %names%) INTO needed;
        CONTINUE WHEN needed;
        BEGIN
            EXECUTE format('DROP TABLE %I', name);
            dropped := dropped + 1;
        EXCEPTION WHEN dependent_objects_still_exist THEN
            blocked := coalesce(blocked, name);
        END;
    END LOOP;
    IF dropped = 0 AND blocked IS NOT NULL THEN
        RAISE EXCEPTION 'the old week % is kept: somebody''s view or key depends on it', blocked
            USING ERRCODE = 'dependent_objects_still_exist';
    END IF;
    RETURN dropped;
END $$;
"""


def functions_of(table: str, still_needed: tuple[str, ...] = ()) -> str:
    """All of them for `table`. A week is needed while it holds a row for which one of the
    conditions holds."""
    needed = (
        " OR ".join(f"EXISTS (SELECT FROM %I WHERE {condition})" for condition in still_needed)
        or "false"
    )
    names = ", ".join(["name"] * len(still_needed)) or "name"
    sql = KEYS + MAKE + DROP.replace("%needed%", needed).replace("%names%", names)
    return sql.replace("%table%", table)
