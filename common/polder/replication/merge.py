"""The versioned merge: a batch of states into one replica table, in one statement, newest version
wins."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache, partial
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection
from pydantic_core import to_json

from polder.contracts.event import Event
from polder.locking import held_rows, wait_or_name
from polder.replication.drifted import content_here, content_of
from polder.replication.models import Drift
from polder.replication.outside import sort_out
from polder.replication.regressed import Regressed, is_clearly_younger, record
from polder.replication.replica import Replication

_ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtext('polder_replication_drift'))"


class Merged(NamedTuple):
    """The keys that changed, the events in conflict, those that say that their owner's versions
    went back, those that the rows have now or left with, and those of what is not kept."""

    changed: set[str]
    conflicts: list[Event]
    regressed: list[Event]
    applied: list[Event]
    outside: Sequence[Event] = ()


class Stored(NamedTuple):
    """What a replica's row is at."""

    version: int
    content_hash: str
    event_id: UUID | None


def newest_of_each(events: Iterable[Event]) -> dict[str, Event]:
    """Per subject the event with the highest version, subjects in sorted order: two batches lock
    rows in the same order."""
    newest: dict[str, Event] = {}
    for event in events:
        known = newest.get(event.subject)
        if known is None or event.aggregateversion > known.aggregateversion:
            newest[event.subject] = event
    return dict(sorted(newest.items()))


def merge(replication: Replication, events: Sequence[Event]) -> Merged:
    """Brings the replica up to the newest of the events.

    A row changes only when an event's version is higher than the stored one. One that is not, and
    clearly younger than the event that made the row, is of an owner whose past came back: that is
    recorded. Else an equal version with other content is a conflict: the row stays as it is and a
    Drift record is opened, which a newer version closes. Takes part in the open transaction; may
    run twice. Raises LockedKeys (see `locking`).
    """
    if replication.where:
        return _merge_some(replication, events)
    newest = newest_of_each(events)
    return _merged(replication, newest, events)


def _merge_some(replication: Replication, events: Sequence[Event]) -> Merged:
    """Of a replica that keeps only some. What is late for an aggregate that left is stale."""
    kept, left, outside = sort_out(replication, newest_of_each(events))
    merged = _merged(replication, kept, [event for event in events if event.subject in kept])
    return merged._replace(
        changed=merged.changed | left.keys(),
        applied=[*merged.applied, *left.values()],
        outside=list(outside.values()),
    )


def _merged(
    replication: Replication, newest: Mapping[str, Event], events: Sequence[Event]
) -> Merged:
    if not newest:
        return Merged(set(), [], [], [])
    rows = {key: replication.row(event) for key, event in newest.items()}
    changed = wait_or_name(partial(_written, replication, rows), partial(_held, replication, rows))
    applied = [newest[key] for key in changed]
    if len(changed) == len(events):
        return Merged(changed, [], [], applied)  # as nearly always
    beaten = [
        event
        for event in events
        if event is not newest[event.subject] or event.subject not in changed
    ]
    stored = {
        key: Stored(rows[key]["version"], rows[key]["content_hash"], newest[key].id)
        for key in changed
    }
    stored |= _stored(replication, {event.subject for event in beaten} - changed)
    return Merged(changed, *_judged(replication, beaten, stored), applied)


def _written(replication: Replication, rows: Mapping[str, dict[str, Any]]) -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(_merge_sql(replication), [to_json(list(rows.values())).decode()])
        if cursor.rowcount == len(rows):
            return set(rows)
        return {str(key) for (key,) in cursor.fetchall()}


def _held(replication: Replication, keys: Collection[str]) -> set[str]:
    """Whose rows somebody holds; if nobody does, somebody is writing new ones, which are not seen
    yet."""
    known = replication.model._default_manager.filter(pk__in=keys)
    held = {str(key) for key in held_rows(known)}
    return held or set(keys) - {str(key) for key in known.values_list("pk", flat=True)}


def _stored(replication: Replication, keys: set[str]) -> dict[str, Stored]:
    if not keys:
        return {}
    rows = replication.model._default_manager.filter(pk__in=keys).values_list(
        "pk", "version", "content_hash", "event_id"
    )
    return {
        str(key): Stored(version, content_hash, event_id)
        for key, version, content_hash, event_id in rows
    }


def _judged(
    replication: Replication, beaten: Sequence[Event], stored: Mapping[str, Stored]
) -> tuple[list[Event], list[Event]]:
    """Of the events that made no row: those in conflict, and the regressed ones. Both are recorded;
    the others are only stale."""
    conflicts: list[tuple[Event, Drift]] = []
    regressed: list[tuple[Event, Regressed]] = []
    for event in beaten:
        row = stored[event.subject]
        is_same = event.aggregateversion == row.version
        event_hash = replication.row(event)["content_hash"] if is_same else ""
        if is_same and event_hash == row.content_hash:
            continue
        if row.event_id is not None and is_clearly_younger(event.id, row.event_id):
            found = Regressed(
                replication.aggregate,
                event.subject,
                row.version,
                row.event_id,
                event.aggregateversion,
                event.id,
            )
            regressed.append((event, found))
        elif is_same:
            conflicts.append((event, _drift(replication, event, row.content_hash, event_hash)))
    _open(replication, [drift for _, drift in conflicts])
    record([found for _, found in regressed])
    return [event for event, _ in conflicts], [event for event, _ in regressed]


def _drift(replication: Replication, event: Event, stored_hash: str, event_hash: str) -> Drift:
    about = {
        "aggregate": replication.aggregate,
        "key": event.subject,
        "version": event.aggregateversion,
        "event_id": event.id,
    }
    after = content_of(replication, replication.row(event))
    return Drift(**about, stored_hash=stored_hash, event_hash=event_hash, after=after)


def _open(replication: Replication, drifts: Sequence[Drift]) -> None:
    if not drifts:
        return
    before = content_here(replication, {drift.key for drift in drifts})
    for drift in drifts:
        drift.before = before.get(drift.key)
    Drift.objects.bulk_create(drifts)


def open_drift(replication: Replication, events: Sequence[Event]) -> None:
    """Records those whose version the replica has with other content; for what was merged before.
    The same content is recorded once, however often it comes."""
    stored = _stored(replication, {event.subject for event in events})
    drifts = {}
    for event in events:
        row = stored.get(event.subject)
        if row is not None and row.version == event.aggregateversion:
            event_hash = replication.row(event)["content_hash"]
            if event_hash != row.content_hash:
                drift = _drift(replication, event, row.content_hash, event_hash)
                drifts[event.id, event_hash] = drift
    if drifts:
        with connection.cursor() as cursor:  # two workers may have the same event at once
            cursor.execute(_ONE_AT_A_TIME)
        known = Drift.objects.filter(
            aggregate=replication.aggregate, key__in={drift.key for drift in drifts.values()}
        )
        recorded = set(known.values_list("event_id", "event_hash"))
        _open(replication, [drift for key, drift in drifts.items() if key not in recorded])


def written_columns(replication: Replication) -> tuple[str, ...]:
    return ("key", "version", "content_hash", "event_id", "retired_at", *replication.columns)


def typed_columns(replication: Replication) -> str:
    """For jsonb_to_recordset: the columns of `Replication.row`, with their types."""
    columns = written_columns(replication)
    return ", ".join(f'"{column}" {_type(replication.model, column)}' for column in columns)


def upsert_sql(replication: Replication) -> str:
    """Writes rows given as JSON; the caller adds which of those that are there already give way."""
    columns = written_columns(replication)
    quoted = ", ".join(f'"{column}"' for column in columns)
    updates = ", ".join(f'"{column}" = excluded."{column}"' for column in columns[1:])
    return f"""
            INSERT INTO "{replication.model._meta.db_table}" AS stored ({quoted}, synced_at)
            SELECT {quoted}, clock_timestamp()
            FROM jsonb_to_recordset(%s::jsonb) AS said({typed_columns(replication)})
            ON CONFLICT (key) DO UPDATE SET {updates}, synced_at = excluded.synced_at
    """


@cache
def _merge_sql(replication: Replication) -> str:
    return f"""
        WITH merged AS (
            {upsert_sql(replication)}
            WHERE stored.version < excluded.version
            RETURNING key, version
        ), made_good AS (
            UPDATE polder_replication_drift AS drift SET repaired_at = clock_timestamp() FROM merged
            WHERE drift.repaired_at IS NULL AND drift.aggregate = '{replication.aggregate}'
                AND drift.key = merged.key::text AND drift.version < merged.version
        )
        SELECT key FROM merged
    """


def _type(model: Any, column: str) -> str:
    field = next(field for field in model._meta.concrete_fields if field.column == column)
    return str(field.db_type(connection))
