"""The processed-event ledger: one row per event, inserted in the transaction that applies it. What is in it, is done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from django.db import connection
from pydantic_core import to_json

from common.inbox.delivery import Arrival
from common.inbox.horizon import horizon
from common.inbox.models import LedgerEntry, Outcome
from common.partitioning import milliseconds_of

# ON CONFLICT DO NOTHING waits for another transaction that is inserting the same id, and inserts if that one fails.
# The order of the rows is that of their keys, so two batches never wait for each other crosswise.
_INSERT = """
INSERT INTO ledger (id, publisher, type, subject, version, outcome, correlation_id, occurred_at, received_at)
SELECT id, publisher, type, subject, version, outcome, correlation_id, occurred_at, to_timestamp(received_at)
FROM jsonb_to_recordset(%s::jsonb) AS event(id uuid, publisher text, type text, subject text, version bigint, outcome text,
    correlation_id uuid, occurred_at timestamptz, received_at double precision)
ON CONFLICT (id) DO NOTHING
RETURNING id
"""


def record(arrivals: Sequence[Arrival], expected: Mapping[UUID, Outcome]) -> set[UUID]:
    """Inserts the ids, each with the outcome expected of it; returns the ones that were new. The others had been processed.

    An id beyond the horizon has no partition to lie in: it is new each time, and only its version can tell otherwise.
    """
    reach = horizon()
    beyond = {event.id for _, event in arrivals if not reach.first <= milliseconds_of(event.id) < reach.end}
    rows = [
        {
            "id": event.id,
            "publisher": delivery.publisher,
            "type": event.type,
            "subject": event.subject,
            "version": event.aggregateversion,
            "outcome": expected[event.id],
            "correlation_id": event.correlationid,
            "occurred_at": event.time,
            "received_at": delivery.received_at + reach.ahead,
        }
        for delivery, event in sorted(arrivals, key=lambda arrival: arrival.event.id)
        if event.id not in beyond
    ]
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, [to_json(rows).decode()])
        if cursor.rowcount == len(rows):
            return {event.id for _, event in arrivals}  # all new, as nearly always: the keys need not be read
        return {key for (key,) in cursor.fetchall()} | beyond


def correct(outcomes: Mapping[UUID, Outcome]) -> None:
    """Where the outcome was not the expected one."""
    if outcomes:
        with connection.cursor() as cursor:
            cursor.execute(
                """
                UPDATE ledger SET outcome = new.outcome FROM unnest(%s::uuid[], %s::text[]) AS new(id, outcome)
                WHERE ledger.id = new.id AND ledger.id BETWEEN %s AND %s
                """,
                [list(outcomes), [str(outcome) for outcome in outcomes.values()], min(outcomes), max(outcomes)],
            )


def forget_parked(event_id: UUID) -> bool:
    """Takes a parked event's row out, so that it can be applied again; whether there was one. Under the parked row's lock only."""
    deleted, _ = LedgerEntry.objects.filter(id=event_id, outcome=Outcome.PARKED).delete()
    return deleted > 0
