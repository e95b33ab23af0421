"""Counts every delivery, once, by publisher and outcome, so that published = queued + accounted for can be checked by anyone."""

from __future__ import annotations

import os
from collections import Counter

from django.db import connection

SLOTS = 32


def count(deliveries: Counter[tuple[str, str]]) -> None:
    """Adds (publisher, outcome) -> number. The last statement of a batch: its row locks are held for the commit only."""
    if not deliveries:
        return
    slot = os.getpid() % SLOTS
    rows = sorted(deliveries.items())
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO inbox_tally AS tally (publisher, outcome, slot, count)
            SELECT publisher, outcome, %s, count FROM unnest(%s::text[], %s::text[], %s::bigint[]) AS new(publisher, outcome, count)
            ON CONFLICT (publisher, outcome, slot) DO UPDATE SET count = tally.count + excluded.count
            """,
            [slot, [publisher for (publisher, _), _ in rows], [outcome for (_, outcome), _ in rows], [number for _, number in rows]],
        )
