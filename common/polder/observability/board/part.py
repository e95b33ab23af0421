"""This service's part of the board, from its own tables. Every statement reads an index or so many
rows and no more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import connection

from polder import this_service
from polder.conditions import State
from polder.database.partitioning import first_key_at
from polder.observability import measures
from polder.observability.board.shapes import BoardPart, Stream
from polder.observability.health import conditions_now
from polder.replication import freshness

MOST = 50_000  # events that are counted, of those since a moment
# An event has the same id with its publisher and here: what was published since a moment and what
# became of it are counts of the same events.
_PUBLISHED = f"""
SELECT count(*) FROM (SELECT FROM polder_outbox WHERE id >= %s AND published_at IS NOT NULL
    LIMIT {MOST + 1}) AS counted
"""
_PROCESSED = f"""
SELECT publisher, outcome, count(*) FROM (SELECT publisher, outcome FROM polder_ledger
    WHERE id >= %s LIMIT {MOST + 1}) AS counted GROUP BY publisher, outcome
"""
_LAG = f"""
SELECT publisher, percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (
    ORDER BY greatest(0, extract(epoch FROM applied_at - occurred_at)::float8))
FROM (SELECT * FROM polder_ledger ORDER BY id DESC LIMIT {measures.NEWEST}) AS newest
WHERE applied_at > clock_timestamp() - interval '60 seconds' GROUP BY publisher
"""
_PARKED = f"""
SELECT count(*) FROM (SELECT FROM polder_inbox_parkedevent WHERE state = 'parked'
    LIMIT {measures.MOST_COUNTED}) AS counted
"""


def board_part(since: datetime) -> BoardPart:
    """Raises django.db.Error, after two seconds of one statement at the latest."""
    first = first_key_at(since)
    with measures.limited(2.0):
        [(published,)] = _rows(_PUBLISHED, first)
        processed, lags = _rows(_PROCESSED, first), _rows(_LAG)
        behind = freshness.behind()
        [(unpublished,)], oldest, [(held,)], [(drift,)], [(parked,)] = map(
            measures.rows,
            (
                measures.UNPUBLISHED,
                measures.OLDEST_UNPUBLISHED,
                measures.HELD,
                measures.DRIFT,
                _PARKED,
            ),
        )
    standings = [one.finding for one in conditions_now() if one.finding.state is not State.OK]
    states = {one.state for one in standings}
    return BoardPart(
        service=this_service.name(),
        since=since,
        state=State.FAIL if State.FAIL in states else State.WARN if states else State.OK,
        problems=tuple(one.sentence for one in standings),
        published=published,
        unpublished=unpublished,
        oldest_unpublished=oldest[0][0] if oldest else 0.0,
        held=held,
        parked=parked,
        drift=drift,
        streams=tuple(_streams(processed, lags, behind)),
        is_cut=published > MOST or sum(row[2] for row in processed) > MOST,
    )


def _streams(
    processed: measures.Rows, lags: measures.Rows, behind: Mapping[str, float]
) -> Iterator[Stream]:
    lag: dict[str, Any] = dict(lags)
    for publisher, moment in measures.last_applied():
        counts = {outcome: number for name, outcome, number in processed if name == publisher}
        p50, p95 = lag.get(publisher) or (None, None)
        last = datetime.fromtimestamp(moment, UTC) if moment else None
        yield Stream(
            publisher=publisher,
            **counts,
            lag_p50=p50,
            lag_p95=p95,
            behind=behind.get(publisher),
            last_applied_at=last,
        )


def _rows(statement: str, *parameters: UUID) -> measures.Rows:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())
