"""The versioned merge: a batch of states into one replica table, in one statement, newest version
wins."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache, partial
from typing import Any, NamedTuple

from django.db import connection
from pydantic_core import to_json

from polder.contracts.event import Event
from polder.database.locking import held_rows, wait_or_name
from polder.replication.conflicts import Stored, judged, stored_of
from polder.replication.outside import sort_out
from polder.replication.replica import Replication
from polder.replication.upsert import upsert_sql


class Merged(NamedTuple):
    """The keys that changed, the events in conflict, those that say that their owner's versions
    went back, those that the rows have now or left with, and those of what is not kept."""

    changed: set[str]
    conflicts: list[Event]
    regressed: list[Event]
    applied: list[Event]
    outside: Sequence[Event] = ()


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
    Drift record is opened, which a newer version closes. Of a replica that keeps only some, what is
    late for an aggregate that left is stale. Takes part in the open transaction; may run twice.
    Raises LockedKeys (see `locking`).
    """
    kept, left, outside = sort_out(replication, newest_of_each(events))
    if replication.where:
        events = [event for event in events if event.subject in kept]
    merged = _merged(replication, kept, events)
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
    stored |= stored_of(replication, {event.subject for event in beaten} - changed)
    return Merged(changed, *judged(replication, beaten, stored), applied)


def _written(replication: Replication, rows: Mapping[str, dict[str, Any]]) -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(_merge_sql(replication), [to_json(list(rows.values())).decode()])
        if cursor.rowcount == len(rows):
            return set(rows)
        return {str(key) for (key,) in cursor.fetchall()}


def _held(replication: Replication, keys: Collection[str]) -> set[str]:
    """Whose rows somebody holds; if nobody does, somebody is writing new ones, which are not seen
    yet."""
    known = replication.model._base_manager.filter(pk__in=keys)
    held = {str(key) for key in held_rows(known)}
    return held or set(keys) - {str(key) for key in known.values_list("pk", flat=True)}


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
