"""The versioned merge: a batch of states into one replica table, in one statement, newest version wins."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from django.db import connection
from pydantic_core import to_json

from common.contracts.event import Event
from common.replication.models import Drift
from common.replication.replica import Replication


def newest_of_each(events: Iterable[Event]) -> dict[str, Event]:
    """Per subject the event with the highest version, subjects in sorted order: two batches lock rows in the same order."""
    newest: dict[str, Event] = {}
    for event in events:
        known = newest.get(event.subject)
        if known is None or event.aggregateversion > known.aggregateversion:
            newest[event.subject] = event
    return dict(sorted(newest.items()))


def merge(replication: Replication, events: Sequence[Event]) -> tuple[set[str], list[Event]]:
    """Brings the replica up to the newest of the events: the keys that changed, and the events in conflict.

    A row changes only when an event's version is higher than the stored one. An equal version with other content is a
    conflict: the row stays as it is and a Drift record is opened. Takes part in the open transaction; may run twice.
    """
    newest = newest_of_each(events)
    rows = {key: replication.row(event) for key, event in newest.items()}
    with connection.cursor() as cursor:
        cursor.execute(_merge_sql(replication), [to_json(list(rows.values())).decode()])
        changed = set(rows) if cursor.rowcount == len(rows) else {str(key) for (key,) in cursor.fetchall()}
    if len(changed) == len(events):
        return changed, []  # as nearly always
    suspects = [event for event in events if _is_suspect(event, newest[event.subject], changed)]
    return changed, _conflicts(replication, suspects) if suspects else []


def _is_suspect(event: Event, newest: Event, changed: set[str]) -> bool:
    """Whether it has the version that the row now has, or may have, without having made it."""
    return event.aggregateversion == newest.aggregateversion and (event is not newest or event.subject not in changed)


def _conflicts(replication: Replication, suspects: Sequence[Event]) -> list[Event]:
    """Those whose content is not that of the row of the same version; a Drift record is opened for each."""
    stored = {str(row.pk): row for row in replication.model._default_manager.filter(pk__in={event.subject for event in suspects})}
    conflicts, drifts = [], []
    for event in suspects:
        row, event_hash = stored[event.subject], replication.row(event)["content_hash"]
        if row.version == event.aggregateversion and row.content_hash != event_hash:
            conflicts.append(event)
            drifts.append(
                Drift(
                    aggregate=replication.aggregate,
                    key=event.subject,
                    version=row.version,
                    stored_hash=row.content_hash,
                    event_hash=event_hash,
                    event_id=event.id,
                )
            )
    Drift.objects.bulk_create(drifts)
    return conflicts


@cache
def _merge_sql(replication: Replication) -> str:
    model = replication.model
    table = model._meta.db_table
    columns: Sequence[str] = ("key", "version", "content_hash", "retired_at", *replication.columns)
    quoted = ", ".join(f'"{column}"' for column in columns)
    types = ", ".join(f'"{column}" {_type(model, column)}' for column in columns)
    updates = ", ".join(f'"{column}" = excluded."{column}"' for column in columns[1:])
    return f"""
        INSERT INTO "{table}" AS stored ({quoted}, synced_at)
        SELECT {quoted}, clock_timestamp() FROM jsonb_to_recordset(%s::jsonb) AS event({types})
        ON CONFLICT (key) DO UPDATE SET {updates}, synced_at = excluded.synced_at
        WHERE stored.version < excluded.version
        RETURNING key
    """


def _type(model: Any, column: str) -> str:
    field = next(field for field in model._meta.concrete_fields if field.column == column)
    return str(field.db_type(connection))
