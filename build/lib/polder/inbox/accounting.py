"""Counts every delivery, once, by publisher and outcome, so that published = queued + accounted for can be checked by anyone.

No count ever falls: a redrive has outcomes of its own.
"""

from __future__ import annotations

import os
from collections import Counter

from django.db import connection

SLOTS = 32


def count(deliveries: Counter[tuple[str, str]]) -> bool:
    """Adds (publisher, outcome) -> number; whether anything is parked that could not be read and whose event may have come now.

    The last statement of a batch: its row locks are held for the commit only.
    """
    if not deliveries:
        return False
    slot = os.getpid() % SLOTS
    rows = sorted(deliveries.items())
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO polder_inbox_deliverycount AS accounting (publisher, outcome, slot, count, last_at)
            SELECT publisher, outcome, %s, count, clock_timestamp()
            FROM unnest(%s::text[], %s::text[], %s::bigint[]) AS new(publisher, outcome, count)
            ON CONFLICT (publisher, outcome, slot) DO UPDATE SET count = accounting.count + excluded.count, last_at = excluded.last_at
            RETURNING EXISTS (SELECT FROM polder_inbox_parkedevent WHERE state = 'parked' AND traceback = '' AND event_id IS NOT NULL)
            """,
            [slot, [publisher for (publisher, _), _ in rows], [outcome for (_, outcome), _ in rows], [number for _, number in rows]],
        )
        return bool(cursor.fetchone()[0])
