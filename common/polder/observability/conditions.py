"""What /readyz, the gauges and the overview say of the tables: what is missing, what waits for a
person, what is late."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache

from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from polder.conditions import Finding, condition, fail, ok, warn
from polder.database.partitioning import covered
from polder.observability import measures
from polder.plural import plural

DAYS_NEEDED = 3
LATE_SECONDS = 60


@condition("migrations", runbook="health", stops_traffic=True)
def migrations() -> Finding:
    applied = set(MigrationRecorder.Migration.objects.values_list("app", "name"))
    if _known_migrations() <= applied:
        return ok("all migrations are applied")
    executor = MigrationExecutor(connection)  # reads all files anew, and knows of squashed ones
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return (
        fail(f"migrations: {len(missing)} not applied")
        if missing
        else ok("all migrations are applied")
    )


@cache
def _known_migrations() -> frozenset[tuple[str, str]]:
    """Those of this process's code; reading their files takes longer than everything else here."""
    return frozenset(MigrationLoader(None).graph.nodes)


@condition("partitions", runbook="partitions")
def partitions() -> Finding:
    now = datetime.now(UTC)
    ends = {table: covered(table)[1] for table in measures.PARTITIONED}
    ended = [table for table, end in ends.items() if end <= now]
    if ended:
        return fail("; ".join(f"partitions of {table} have ended" for table in ended))
    soon = [table for table, end in ends.items() if end < now + timedelta(days=DAYS_NEEDED)]
    if soon:
        return warn(
            "; ".join(f"partitions of {table} end within {DAYS_NEEDED} days" for table in soon)
        )
    return ok(f"there are partitions for more than {DAYS_NEEDED} days")


@condition("unpublished", runbook="is-everything-through")
def unpublished() -> Finding:
    [oldest] = measures.rows(measures.OLDEST_UNPUBLISHED) or [(0.0,)]
    if oldest[0] <= LATE_SECONDS:
        return ok(f"no event waits for longer than {LATE_SECONDS} s to be published")
    since = datetime.now(UTC) - timedelta(seconds=oldest[0])
    return warn(f"an event has been waiting for {oldest[0]:.0f} s to be published", since)


@condition("held", runbook="held-outbox-events")
def held() -> Finding:
    return _none_of(
        measures.HELD_SINCE,
        "event is held: the broker refused it",
        "events are held: the broker refused them",
    )


@condition("parked", runbook="parked-events")
def parked() -> Finding:
    return _none_of(
        measures.PARKED_SINCE,
        "message is parked: it was not applied",
        "messages are parked: they were not applied",
    )


@condition("drift", runbook="drift")
def drift() -> Finding:
    return _none_of(
        measures.DRIFT_SINCE,
        "copy disagrees with an event of the same version",
        "copies disagree with an event of the same version",
    )


def _none_of(statement: str, one: str, many: str) -> Finding:
    [(number, since)] = measures.rows(statement)
    told = plural(number, one, many, measures.MOST_TOLD)
    return warn(told, since) if number else ok(f"no {many}")
