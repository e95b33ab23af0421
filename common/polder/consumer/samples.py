"""How it went, minute by minute, for the charts of the last hours: what a minute's events took, and
how much waited at its end. Each statement reads an index, a small table or the newest rows."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import pairwise

from amqp.exceptions import NotFound, ResourceLocked
from django.db import connection, transaction
from django.db.models.functions import Now

from polder import this_service
from polder.broker.confirms import BROKER_ERRORS
from polder.broker.names import dead_letter_queue, event_queue
from polder.consumer.models import Sample
from polder.direct.talk import waiting_in
from polder.outbox.floor import ABOVE_FLOOR, WAITS_SINCE
from polder.retention import delete_in_steps, retention_policy

log = logging.getLogger(__name__)

KEPT = timedelta(hours=25)
MOST = 100_000  # rows that are counted, or looked at

_WAITING = f"published_at IS NULL AND held_at IS NULL AND {ABOVE_FLOOR}"
# name, of which publisher or queue, value
_MEASURED = f"""
WITH newest AS (SELECT publisher, extract(epoch FROM applied_at - occurred_at)::float8 AS lag
    FROM polder_ledger WHERE applied_at > clock_timestamp() - interval '60 seconds' LIMIT {MOST}),
lags AS (SELECT publisher, percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY lag) AS at
    FROM newest GROUP BY publisher)
SELECT 'lag p50', publisher, greatest(0, at[1]) FROM lags
UNION ALL SELECT 'lag p95', publisher, greatest(0, at[2]) FROM lags
UNION ALL SELECT 'applied so far', publisher, sum(count)::float8 FROM polder_inbox_deliverycount
    WHERE outcome NOT LIKE 'redriv%' AND outcome NOT IN ('duplicate', 'parked', 'unreadable')
    GROUP BY publisher
UNION ALL SELECT 'committed so far', '', last_value::float8 FROM polder_outbox_position_seq
UNION ALL SELECT 'unpublished', '', count(*)::float8
    FROM (SELECT FROM polder_outbox WHERE {_WAITING} LIMIT {MOST}) AS waiting
UNION ALL SELECT 'oldest unpublished', '', coalesce((
    SELECT extract(epoch FROM clock_timestamp() - {WAITS_SINCE})::float8 FROM polder_outbox
    WHERE {_WAITING} ORDER BY position LIMIT 1), 0)
UNION ALL SELECT 'parked', '', count(*)::float8
    FROM (SELECT FROM polder_inbox_parkedevent WHERE state = 'parked' LIMIT {MOST}) AS parked
"""


def take() -> int:
    """Notes how it is now; how many numbers."""
    with connection.cursor() as cursor:
        cursor.execute(_MEASURED)
        found = list(cursor.fetchall())
    found += [("queue", queue, float(depth)) for queue, depth in _depths()]
    with transaction.atomic():
        Sample.objects.bulk_create(  # one moment for all
            Sample(name=name, of=of, value=value, at=Now()) for name, of, value in found
        )
    return len(found)


def _depths() -> Iterator[tuple[str, int]]:
    """Of our queues that are there; of none while the broker does not answer."""
    service = this_service.name()
    queues = [event_queue(service, publisher) for publisher in this_service.subscribes_to()]
    try:
        for queue in [*queues, dead_letter_queue(service)]:
            with suppress(NotFound, ResourceLocked):
                yield queue, waiting_in([queue])
    except BROKER_ERRORS as error:
        log.info("how much waits in the queues could not be seen: %r", error)


@retention_policy("samples")
def forget_samples() -> int:
    """May run at any time, twice, at once."""
    return delete_in_steps(Sample.objects.filter(at__lt=Now() - KEPT), at_once=1_000)


Series = dict[str, list[tuple[datetime, float]]]


def series(name: str, hours: float = 1.0) -> Series:
    """The samples of that name of the last hours, by what they are of, the oldest first."""
    found: Series = {}
    rows = Sample.objects.filter(name=name, at__gt=Now() - timedelta(hours=hours))
    for of, at, value in rows.order_by("at").values_list("of", "at", "value"):
        found.setdefault(of, []).append((at, value))
    return found


def per_minute(counts: Sequence[tuple[datetime, float]]) -> list[tuple[datetime, float]]:
    """Of a number that only rises: by how much, per minute; a gap is spread over its minutes."""
    return [
        (after, max(0.0, more - less) * 60 / max(1.0, (after - before).total_seconds()))
        for (before, less), (after, more) in pairwise(counts)
    ]
