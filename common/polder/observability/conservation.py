"""Whether what was published came to an end: of the same minutes, what this service published and
what it processed of others. Prometheus subtracts one from the other."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.db import connection

from polder import this_service
from polder.database.partitioning import first_key_at
from polder.observability.measures import Rows, and_zero, limited

# Whole minutes, so that all services count the same events; until a minute ago, so that they have
# come.
MINUTES = 5
MOST = 50_000  # beyond, nothing is said: it would take too long at each look
_PUBLISHED = f"""
SELECT count(*) FROM (SELECT FROM polder_outbox
    WHERE id >= %s AND id < %s AND published_at IS NOT NULL LIMIT {MOST + 1}) AS counted
"""
_PROCESSED = f"""
SELECT publisher, count(*) FROM (SELECT publisher FROM polder_ledger
    WHERE id >= %s AND id < %s LIMIT {MOST + 1}) AS counted GROUP BY publisher
"""


def published() -> Rows:
    [(number,)] = found = _counted(_PUBLISHED)
    return found if number <= MOST else []


def processed() -> Rows:
    """By publisher."""
    found = _counted(_PROCESSED)
    if sum(number for _, number in found) > MOST:
        return []
    return and_zero(found, [(publisher,) for publisher in this_service.subscribes_to()])


def _counted(statement: str) -> Rows:
    until = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=1)
    keys = [first_key_at(until - timedelta(minutes=MINUTES)), first_key_at(until)]
    with limited(2.0), connection.cursor() as cursor:
        cursor.execute(statement, keys)
        return list(cursor.fetchall())
