"""The versioned merge: a batch of states into one replica table, in one statement, newest version wins."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection

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


def merge(replication: Replication, newest: Mapping[str, Event]) -> tuple[set[str], list[Event]]:
    """Brings the replica up to `newest` (of `newest_of_each`): the keys that changed, and the events in conflict.

    A row changes only when the event's version is higher than the stored one. An equal version with other content is a
    conflict: the row stays as it is and a Drift record is opened. Takes part in the open transaction; may run twice.
    """
    rows = {key: replication.row(event) for key, event in newest.items()}
    with connection.cursor() as cursor:
        cursor.execute(_merge_sql(replication), [json.dumps(list(rows.values()), cls=DjangoJSONEncoder)])
        changed = {str(key) for (key,) in cursor.fetchall()}
    if len(changed) == len(rows):
        return changed, []
    unchanged = {key: row for key, row in rows.items() if key not in changed}
    return changed, _conflicts(replication, newest, unchanged)


def _conflicts(replication: Replication, newest: Mapping[str, Event], unchanged: Mapping[str, dict[str, Any]]) -> list[Event]:
    stored = replication.model._default_manager.filter(pk__in=list(unchanged)).values_list("key", "version", "content_hash")
    drifts = [
        Drift(
            aggregate=replication.aggregate,
            key=str(key),
            version=version,
            stored_hash=stored_hash,
            event_hash=unchanged[str(key)]["content_hash"],
            event_id=newest[str(key)].id,
        )
        for key, version, stored_hash in stored
        if version == newest[str(key)].aggregateversion and stored_hash != unchanged[str(key)]["content_hash"]
    ]
    Drift.objects.bulk_create(drifts)
    return [newest[drift.key] for drift in drifts]


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
