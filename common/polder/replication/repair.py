"""Rows of an owner's snapshot into a replica. Unlike the merge of events it also makes good what
differs at the same version, and takes away what the owner does not know.

All of it takes part in the open transaction, may run twice, and locks rows in key order as the
merge does.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import F
from django.db.models.functions import Now
from pydantic_core import to_json

from polder.contracts.event import State
from polder.partitioning import milliseconds_of
from polder.replication.merge import typed_columns, upsert_sql
from polder.replication.models import Drift
from polder.replication.outside import sort_out
from polder.replication.replica import Replication

RESYNC, AUDIT = "resync", "audit"  # what found the drift
OVERDUE = 600.0  # seconds; what the owner changed later may still be on its way


class Snapshot(NamedTuple):
    """An aggregate as its owner has it at one moment. `id`: a UUIDv7 of that moment, so that an
    event which is clearly younger has to be of a higher version."""

    subject: str
    aggregateversion: int
    id: UUID
    time: datetime
    data: State


class Stored(NamedTuple):
    """A row of ours, compared with the snapshot's. `untouched`: not since the owner was asked."""

    key: str
    version: int
    content_hash: str
    untouched: bool
    differs: bool


class Repaired(NamedTuple):
    """The keys that changed, and those whose version here is above the owner's."""

    changed: set[str]
    above: list[str]


def merge_snapshots(
    replication: Replication,
    snapshots: Sequence[Snapshot],
    *,
    asked_at: datetime,
    found_by: str | None = RESYNC,
    confirmed: bool = False,
) -> Repaired:
    """Brings the replica to what the owner said after `asked_at`.

    A row of a higher version than the owner's, not touched since, is only named, unless the owner
    was asked for it by its id (`confirmed`). What differed at the same version is recorded as
    drift, closed, unless `found_by` is None; by an audit also what has been missing or behind for
    longer than any event is on its way.
    """
    kept, left, _ = sort_out(
        replication, {one.subject: one for one in sorted(snapshots, key=_subject)}, even_equal=True
    )
    snapshots = list(kept.values())
    rows = {one.subject: replication.row(one) for one in snapshots}
    stored = _compared(replication, rows, asked_at)
    above = {key for key, row in stored.items() if row.version > rows[key]["version"]}
    lowered = {key for key in above if confirmed and stored[key].untouched}
    written = [row for key, row in rows.items() if _is_news(row, stored.get(key), key in lowered)]
    with connection.cursor() as cursor:
        cursor.execute(
            f"{_write_sql(replication)}", [to_json(written).decode(), sorted(lowered) or [""]]
        )
        keys = {key for (key,) in cursor.fetchall()}
    _close_open_drift(replication, keys)
    drifted = [
        stored[key]
        for key in sorted(keys & stored.keys())
        if key in lowered or (stored[key].differs and stored[key].version == rows[key]["version"])
    ]
    if found_by == AUDIT:
        drifted += _overdue(snapshots, stored, keys)
    if found_by is not None:
        _record(replication, drifted, {key: rows[key] for key in keys}, found_by)
    changed = {
        key
        for key in keys
        if key not in stored or stored[key].differs or stored[key].version != rows[key]["version"]
    }
    return Repaired(
        changed | left.keys(), sorted(key for key in above - lowered if stored[key].untouched)
    )


def keys_beside(
    replication: Replication,
    brought: Collection[str],
    *,
    after: str,
    through: str | None,
    asked_at: datetime,
    most: int,
) -> list[str]:
    """Our keys in the range that a page covers which it did not bring, of rows not touched since
    the owner was asked: the first ones."""
    meta = replication.model._meta
    key_type = meta.pk.db_type(connection)
    bounds = ([after] if after else []) + ([through] if through is not None else [])
    sql = f"""
        SELECT key::text FROM "{meta.db_table}"
        WHERE {f"key > %s::{key_type} AND" if after else ""}
            {f"key <= %s::{key_type} AND" if through is not None else ""}
            NOT key = ANY(%s::{key_type}[]) AND synced_at < %s ORDER BY key LIMIT %s
    """
    with connection.cursor() as cursor:
        cursor.execute(sql, [*bounds, list(brought), asked_at, most])
        return [key for (key,) in cursor.fetchall()]


def remove_unknown(
    replication: Replication,
    keys: Collection[str],
    *,
    event_id: UUID,
    asked_at: datetime,
    found_by: str = RESYNC,
) -> set[str]:
    """Removes what the owner said that it does not know, unless touched since it was asked; which.
    Each is recorded as drift, closed."""
    meta = replication.model._meta
    key_type = meta.pk.db_type(connection)
    sql = f"""
        DELETE FROM "{meta.db_table}" WHERE key IN (SELECT key FROM "{meta.db_table}"
            WHERE key = ANY(%s::{key_type}[]) AND synced_at < %s ORDER BY key FOR UPDATE)
        RETURNING key::text, version, content_hash
    """
    with connection.cursor() as cursor:
        cursor.execute(sql, [sorted(keys), asked_at])
        removed = [
            Stored(key, version, content_hash, untouched=True, differs=True)
            for key, version, content_hash in cursor.fetchall()
        ]
    _close_open_drift(replication, {row.key for row in removed})
    gone = {row.key: {"event_id": event_id, "content_hash": ""} for row in removed}
    _record(replication, removed, gone, found_by)
    return set(gone)


def _subject(snapshot: Snapshot) -> str:
    return snapshot.subject


def _overdue(
    snapshots: Sequence[Snapshot], stored: Mapping[str, Stored], written: Collection[str]
) -> list[Stored]:
    """Those missing or behind that their owner had changed long before it was asked, by its own
    clock."""
    found = []
    for one in snapshots:
        row = stored.get(one.subject, Stored(one.subject, 0, "", untouched=True, differs=True))
        age = milliseconds_of(one.id) / 1000 - one.time.timestamp()
        if one.subject in written and row.version < one.aggregateversion and age > OVERDUE:
            found.append(row)
    return found


def _is_news(row: Mapping[str, Any], stored: Stored | None, lowered: bool) -> bool:
    if stored is None or lowered or stored.version < row["version"]:
        return True
    return stored.version == row["version"] and (
        stored.differs or stored.content_hash != row["content_hash"]
    )


def _compared(
    replication: Replication, rows: Mapping[str, Any], asked_at: datetime
) -> dict[str, Stored]:
    with connection.cursor() as cursor:
        cursor.execute(_compare_sql(replication), [asked_at, to_json(list(rows.values())).decode()])
        return {row[0]: Stored(*row) for row in cursor.fetchall()}


@cache
def _compare_sql(replication: Replication) -> str:
    """The columns themselves are compared, and not their hash: somebody may have changed a column
    by hand."""
    content = {
        side: ", ".join(
            [f"{side}.retired_at IS NULL", *(f'{side}."{name}"' for name in replication.columns)]
        )
        for side in ("stored", "said")
    }
    return f"""
        SELECT stored.key::text, stored.version, stored.content_hash, stored.synced_at < %s,
            ({content["stored"]}) IS DISTINCT FROM ({content["said"]})
        FROM jsonb_to_recordset(%s::jsonb) AS said({typed_columns(replication)})
        JOIN "{replication.model._meta.db_table}" AS stored ON stored.key = said.key
        ORDER BY stored.key FOR UPDATE OF stored
    """


@cache
def _write_sql(replication: Replication) -> str:
    """What came between the comparison and this is of a live event: it stays if it is newer."""
    return f"""
        {upsert_sql(replication)}
        WHERE stored.version <= excluded.version OR stored.key::text = ANY(%s::text[])
        RETURNING key::text
    """


def _close_open_drift(replication: Replication, keys: Collection[str]) -> None:
    if keys:
        Drift.objects.filter(
            repaired_at=None, aggregate=replication.aggregate, key__in=keys
        ).update(repaired_at=Now())


def _record(
    replication: Replication,
    drifted: Sequence[Stored],
    said: Mapping[str, Mapping[str, Any]],
    found_by: str,
) -> None:
    if not drifted:
        return
    Drift.objects.bulk_create(
        Drift(
            aggregate=replication.aggregate,
            key=row.key,
            version=row.version,
            stored_hash=row.content_hash,
            event_hash=said[row.key]["content_hash"],
            event_id=said[row.key]["event_id"],
            found_by=found_by,
        )
        for row in drifted
    )
    # recorded and fixed in one transaction
    Drift.objects.filter(
        repaired_at=None, aggregate=replication.aggregate, key__in=[row.key for row in drifted]
    ).update(repaired_at=F("found_at"))
