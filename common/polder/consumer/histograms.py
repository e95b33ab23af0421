"""How long events took and how large batches were, counted once each, whatever processes there are
and however they begin and end: from the rows of outbox and ledger that were committed since the
last look."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import connection, transaction
from django.db.models.functions import Now

from polder.consumer.models import CountedUntil, Histogram
from polder.outbox.floor import WAITS_SINCE

SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 3600.0)
EVENTS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
AT_ONCE = timedelta(minutes=5)  # of which the rows are counted by one statement
STEPS = 12  # in one run; after an outage the next runs catch up
AHEAD = timedelta(minutes=1)  # more than two servers' clocks differ by

# What is not committed yet was, or will be, stamped after the oldest transaction under way began.
# `idle` ones of people wait with it; the counts are late then, and not wrong.
_UNTIL = """
SELECT clock_timestamp(), least(clock_timestamp(), min(xact_start)) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
# The rows of a batch are of one transaction. A bound belongs to the bucket below it, and not, as
# width_bucket has it, to the one above: so a little less than the smallest step is taken off.
_COUNT = f"""
WITH seen AS (
    SELECT publisher, xmin::text AS batch, extract(epoch FROM received_at - occurred_at) AS came,
        extract(epoch FROM applied_at - received_at) AS took
    FROM polder_ledger WHERE applied_at >= %(since)s AND applied_at < %(until)s
), observed AS (
    SELECT 'deliver' AS name, publisher AS of, greatest(0, came)::float8 AS value FROM seen
    UNION ALL SELECT 'apply', publisher, greatest(0, took) FROM seen
    UNION ALL SELECT 'lag', publisher, greatest(0, came + took) FROM seen
    UNION ALL SELECT 'publish', '', greatest(0, extract(epoch FROM published_at - {WAITS_SINCE}))
        FROM polder_outbox WHERE published_at >= %(since)s AND published_at < %(until)s
    UNION ALL SELECT 'batch', '', count(*) FROM seen GROUP BY batch
)
INSERT INTO polder_histogram AS known (name, of, bucket, count, total)
SELECT name, of, CASE name WHEN 'batch' THEN width_bucket(value - 0.5, %(events)s::float8[])
        ELSE width_bucket(value - 5e-7, %(seconds)s::float8[]) END AS bucket, count(*), sum(value)
FROM observed GROUP BY name, of, bucket
ON CONFLICT (name, of, bucket) DO UPDATE
    SET count = known.count + excluded.count, total = known.total + excluded.total
"""


class Counted(NamedTuple):
    """`buckets`: how many there were up to each bound and not up to the one before; the last has no
    bound."""

    bounds: tuple[float, ...]
    buckets: list[int]
    total: float


def count_new() -> int:
    """In how many steps; may run at any time, twice, at once."""
    return sum(1 for _ in range(STEPS) if _count_step())


@transaction.atomic
def _count_step() -> bool:
    """Whether there is more to count. The row's lock makes one of several count."""
    CountedUntil.objects.get_or_create(name="histograms", defaults={"until": Now()})
    row = CountedUntil.objects.select_for_update().get(name="histograms")
    now, settled = _now_and_settled()
    if row.until > now + AHEAD:  # the clock was set back
        row.until = settled
        row.save()
    until = min(settled, row.until + AT_ONCE)
    if until <= row.until:
        return False
    window = {"since": row.until, "until": until}
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, window | {"seconds": list(SECONDS), "events": list(EVENTS)})
    is_full = until == row.until + AT_ONCE
    row.until = until
    row.save()
    return is_full


def _now_and_settled() -> tuple[datetime, datetime]:
    with connection.cursor() as cursor:
        cursor.execute(_UNTIL)
        now, settled = cursor.fetchone()
    return now, settled


def counted() -> dict[tuple[str, str], Counted]:
    """By name and publisher, as far as there are any."""
    found: dict[tuple[str, str], Counted] = {}
    for row in Histogram.objects.all():
        one = found.setdefault((row.name, row.of), nothing(row.name))
        one.buckets[row.bucket] += row.count
        found[row.name, row.of] = one._replace(total=one.total + row.total)
    return found


def nothing(name: str) -> Counted:
    bounds = tuple(map(float, EVENTS)) if name == "batch" else SECONDS
    return Counted(bounds, [0] * (len(bounds) + 1), 0.0)
