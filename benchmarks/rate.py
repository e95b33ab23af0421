"""How fast it went, by the times that the rows themselves tell: the same clock and the same meaning
for every contender."""

from __future__ import annotations

import psycopg

# Begins when a tenth is done. Rows get their times a batch at once, so what has the time of the
# beginning came before it.
_RATE = """
WITH beginning AS (SELECT percentile_disc(0.1) WITHIN GROUP (ORDER BY {moment}) AS moment
    FROM {table})
SELECT count(*) / extract(epoch FROM max({moment}) - min(beginning.moment))::float
FROM {table}, beginning WHERE {moment} > beginning.moment
"""


def rate(database: psycopg.Connection, table: str, moment: str) -> float:
    """Rows per second, from when a tenth of the table's rows had their `moment` until all had;
    starting up is not counted."""
    row = database.execute(_RATE.format(table=table, moment=moment).encode()).fetchone()
    assert row is not None
    return float(row[0])
