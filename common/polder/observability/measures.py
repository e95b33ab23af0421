"""What the tables say of how the service is doing. Every statement reads an index, a small table,
or so many rows and no more."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction

from polder import this_service
from polder.database.partitioning import covered, database_now
from polder.outbox.floor import ABOVE_FLOOR, WAITS_SINCE
from polder.replication.conditions import STUCK

Rows = list[tuple[Any, ...]]

MOST_COUNTED = 100_000  # beyond, the exact number makes no difference to anybody
MOST_TOLD = 10_000  # in a sentence
NEWEST = 1_000
PARTITIONED = ("polder_outbox", "polder_ledger")

# The statements on the outbox are answered by the partial indexes outbox_unpublished and
# outbox_held.
_WAITING = f"published_at IS NULL AND held_at IS NULL AND {ABOVE_FLOOR}"
UNPUBLISHED = (
    f"SELECT count(*) FROM (SELECT FROM polder_outbox WHERE {_WAITING} LIMIT {MOST_COUNTED}) AS "
    "counted"
)
OLDEST_UNPUBLISHED = f"""
SELECT extract(epoch FROM clock_timestamp() - {WAITS_SINCE})::float FROM polder_outbox
WHERE {_WAITING}
ORDER BY position LIMIT 1
"""
HELD = (
    "SELECT count(*) FROM (SELECT FROM polder_outbox WHERE held_at IS NOT NULL LIMIT "
    f"{MOST_COUNTED}) AS counted"
)
GUARD = f"""
SELECT aggregate, count(*) FROM (SELECT aggregate FROM polder_outbox_guardfinding
    LIMIT {MOST_COUNTED}) AS counted GROUP BY aggregate
"""
DELIVERIES = (
    "SELECT publisher, outcome, sum(count)::bigint FROM polder_inbox_deliverycount WHERE outcome "
    "NOT LIKE 'redriv%' GROUP BY publisher, outcome"
)
REDRIVES = (
    "SELECT publisher, outcome, sum(count)::bigint FROM polder_inbox_deliverycount WHERE outcome "
    "LIKE 'redriv%' GROUP BY publisher, outcome"
)
# A reason that was seen lately stays, with 0, when nothing is parked for it any more.
PARKED = f"""
SELECT reason, sum(number)::bigint FROM (
    SELECT reason, 1 AS number FROM (SELECT reason FROM polder_inbox_parkedevent
        WHERE state = 'parked' LIMIT {MOST_COUNTED}) AS counted
    UNION ALL SELECT reason, 0 FROM (SELECT reason FROM polder_inbox_parkedevent
        ORDER BY id DESC LIMIT {10 * NEWEST}) AS newest
) AS parked GROUP BY reason
"""
DRIFT = (
    "SELECT count(*) FROM (SELECT FROM polder_replication_drift WHERE repaired_at IS NULL LIMIT "
    f"{MOST_COUNTED}) AS counted"
)
EFFECTS = f"""
SELECT effect, state, count(*) FROM (SELECT effect, state FROM polder_effects_intent
    WHERE state = 'waiting' LIMIT {MOST_COUNTED}) AS waiting GROUP BY effect, state
UNION ALL SELECT effect, state, count(*) FROM (SELECT effect, state FROM polder_effects_intent
    WHERE state = 'failed' LIMIT {MOST_COUNTED}) AS failed GROUP BY effect, state
"""
SINCE = f"SELECT count(*), min(since) FROM ({{}} LIMIT {MOST_TOLD}) AS counted(since)"
HELD_SINCE = SINCE.format("SELECT held_at FROM polder_outbox WHERE held_at IS NOT NULL")
PARKED_SINCE = SINCE.format(
    "SELECT first_seen_at FROM polder_inbox_parkedevent WHERE state = 'parked'"
)
DRIFT_SINCE = SINCE.format(
    "SELECT found_at FROM polder_replication_drift WHERE repaired_at IS NULL"
)
# The housekeeper's numbers of a moment ago; none are told that are older.
_SAMPLED = """
FROM polder_sample WHERE name {} AND at > clock_timestamp() - interval '3 minutes'
ORDER BY of, name, at DESC
"""
LAG = (
    "SELECT DISTINCT ON (of, name) of, CASE name WHEN 'lag p50' THEN '0.5' ELSE '0.95' END, value"
    + _SAMPLED.format("IN ('lag p50', 'lag p95')")
)
QUEUES = "SELECT DISTINCT ON (of, name) of, split_part(of, '.from.', 2), value" + _SAMPLED.format(
    "= 'queue'"
)
WAITING_OLDEST = """
SELECT publisher, extract(epoch FROM clock_timestamp() - min(since))::float8
FROM (SELECT publisher, since FROM polder_inbox_waitingevent WHERE parked_at IS NULL
    ORDER BY since LIMIT 1000) AS waiting GROUP BY publisher
"""
DRIFT_FOUND = "SELECT aggregate, drift_found FROM polder_replication_replicastate"
DATABASE_BYTES = "SELECT pg_database_size(current_database())"
# 1 for a replica that is complete, also while it is looked at, as long as that goes on
REPLICAS = f"""
SELECT aggregate, CASE WHEN state = 'complete' OR ((is_audit OR is_partial) AND NOT is_rebuilt
    AND completed_at IS NOT NULL AND NOT {STUCK}) THEN 1.0 ELSE
    least(0.99, rows_done::float8 / greatest(1, estimate)) END FROM polder_replication_replicastate
"""
REGRESSED = f"""
SELECT split_part(aggregate, '.', 1) AS owner, count(*)
FROM (SELECT aggregate FROM polder_replication_regression WHERE closed_at IS NULL
    LIMIT {MOST_COUNTED}) AS counted GROUP BY owner ORDER BY owner
"""
# The accounting knows of every publisher, however long it has been silent; of before it noted
# times, the newest of the ledger. A duplicate is processed, too: after `republish` nothing else
# comes for a while.
LAST_APPLIED = f"""
SELECT publisher, extract(epoch FROM max(at))::float FROM (
    SELECT publisher, last_at AS at FROM polder_inbox_deliverycount
        WHERE outcome IN ('applied', 'stale', 'conflict', 'regressed', 'ignored', 'parked',
            'duplicate', 'unreadable')
    UNION ALL (SELECT publisher, applied_at FROM polder_ledger ORDER BY id DESC LIMIT {NEWEST})
) AS processed WHERE at IS NOT NULL GROUP BY publisher
"""


@transaction.atomic
def measured(*statements: str) -> list[Rows]:
    """The rows of each statement, all as of about the same moment. Raises django.db.Error, after
    two seconds of one statement at the latest."""
    limit_statements()
    return [rows(statement) for statement in statements]


def limit_statements(seconds: float = 2.0) -> None:
    """Each, until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('statement_timeout', %s, true)", [f"{seconds * 1000:.0f}ms"]
        )


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """A transaction of which each statement ends in time, or raises OperationalError."""
    with transaction.atomic():
        limit_statements(seconds)
        yield


def rows(statement: str) -> Rows:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        found: Rows = cursor.fetchall()
        return found


def and_zero(found: Rows, known: Iterable[tuple[str, ...]]) -> Rows:
    """What was found, and 0 for what is known in advance and was not: a series that comes and goes
    cannot be reckoned with."""
    there = {row[:-1] for row in found}
    return [*found, *((*labels, 0) for labels in known if labels not in there)]


def and_unknown(found: Rows, known: Iterable[tuple[str, ...]]) -> Rows:
    """The same where 0 would be a lie: nobody has looked. No comparison with it is true."""
    there = {row[:-1] for row in found}
    return [*found, *((*labels, math.nan) for labels in known if labels not in there)]


def last_applied() -> Rows:
    """When an event of each publisher was last processed, in seconds since 1970; 0 when none ever
    was."""
    [found] = measured(LAST_APPLIED)
    return sorted(and_zero(found, [(publisher,) for publisher in this_service.subscribes_to()]))


def ledger_reach() -> Rows:
    """How far back the ledger reaches."""
    return [((database_now() - covered("polder_ledger")[0]).total_seconds(),)]


def seconds_ahead() -> Rows:
    """For how long each partitioned table has partitions."""
    return [(table, (covered(table)[1] - database_now()).total_seconds()) for table in PARTITIONED]
