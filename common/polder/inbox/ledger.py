"""The processed-event ledger: one row per event, inserted in the transaction that applies it. What
is in it, is done.

An event is known by its publisher and its id, as CloudEvents has it: nobody can use up another's
ids.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID
from zlib import crc32

from django.db import connection
from pydantic_core import to_json

from polder.contracts.event import Event
from polder.database.partitioning import milliseconds_of
from polder.inbox.delivery import Arrival, Delivery, Key
from polder.inbox.horizon import horizon
from polder.inbox.models import Outcome

# ON CONFLICT DO NOTHING waits for another transaction that is inserting the same key, and inserts
# if that one fails. The order of the rows is that of their keys, so two batches never wait for each
# other crosswise.
_INSERT = """
INSERT INTO polder_ledger (id, publisher, type, subject, version, outcome, correlation_id,
    occurred_at, received_at, body_crc)
SELECT id, publisher, type, subject, version, outcome, correlation_id, occurred_at,
    to_timestamp(received_at), body_crc
FROM jsonb_to_recordset(%s::jsonb) AS event(id uuid, publisher text, type text, subject text,
    version bigint, outcome text,
    correlation_id uuid, occurred_at timestamptz, received_at double precision, body_crc bigint)
ON CONFLICT DO NOTHING
"""


class Known(NamedTuple):
    """What the ledger says of an event that it has."""

    type: str
    subject: str
    version: int
    outcome: str
    body_crc: int | None

    def is_of(self, event: Event) -> bool:
        return (self.type, self.subject, self.version) == (
            event.type,
            event.subject,
            event.aggregateversion,
        )


def record(arrivals: Sequence[Arrival], outcomes: Mapping[Key, Outcome]) -> bool:
    """Inserts the events, no two with one key, each with its outcome; whether all were new.

    An id beyond the horizon has no partition to lie in: it is new each time, and only its version
    can tell otherwise.
    """
    reach = horizon()
    rows = [
        {
            "id": event.id,
            "publisher": delivery.publisher,
            "type": event.type,
            "subject": event.subject,
            "version": event.aggregateversion,
            "outcome": outcomes[delivery.publisher, event.id],
            "correlation_id": event.correlationid,
            "occurred_at": event.time,
            "received_at": delivery.received_at + reach.ahead,
            "body_crc": crc32(delivery.body),
        }
        for delivery, event in sorted(arrivals, key=lambda arrival: arrival.event.id)
        if reach.covers(milliseconds_of(event.id))
    ]
    if not rows:
        return True
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, [to_json(rows).decode()])
        return bool(cursor.rowcount == len(rows))


def has_done(event_id: UUID, delivery: Delivery) -> bool:
    """Whether the event of that id came in these bytes, and was not parked."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT FROM polder_ledger WHERE id = %s AND publisher = %s AND body_crc = %s AND "
            "outcome <> 'parked'",
            [event_id, delivery.publisher, crc32(delivery.body)],
        )
        return bool(cursor.rowcount)


def known(arrivals: Sequence[Arrival]) -> dict[Key, Known]:
    """What the ledger says of those of these events that it has."""
    ids = [event.id for _, event in arrivals]
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT ledger.publisher, ledger.id, ledger.type, ledger.subject, ledger.version,
                ledger.outcome, ledger.body_crc
            FROM polder_ledger AS ledger JOIN unnest(%s::uuid[], %s::text[]) AS asked(id,
                publisher) USING (id, publisher)
            WHERE ledger.id BETWEEN %s AND %s
            """,
            [*_keys(arrivals), min(ids), max(ids)],
        )
        return {(publisher, key): Known(*rest) for publisher, key, *rest in cursor.fetchall()}


def correct(arrivals: Sequence[Arrival], outcomes: Mapping[Key, Outcome]) -> None:
    """These were parked, and have these outcomes now."""
    if arrivals:
        ids = [event.id for _, event in arrivals]
        with connection.cursor() as cursor:
            cursor.execute(
                """
                UPDATE polder_ledger AS ledger SET outcome = new.outcome FROM unnest(%s::uuid[],
                    %s::text[], %s::text[]) AS new(id, publisher, outcome)
                WHERE ledger.id = new.id AND ledger.publisher = new.publisher
                    AND ledger.id BETWEEN %s AND %s
                """,
                [
                    *_keys(arrivals),
                    [str(outcomes[arrival.key]) for arrival in arrivals],
                    *(min(ids), max(ids)),
                ],
            )


def _keys(arrivals: Sequence[Arrival]) -> tuple[list[UUID], list[str]]:
    return [event.id for _, event in arrivals], [delivery.publisher for delivery, _ in arrivals]
