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
from pydantic_core import from_json, to_json

from polder.contracts.event import State
from polder.database.partitioning import database_now
from polder.replication import drifted
from polder.replication.drifted import Found
from polder.replication.models import DriftKind, FoundBy
from polder.replication.outside import lock, sort_out, would_keep
from polder.replication.replica import Replication
from polder.replication.retention import tombstones_kept
from polder.replication.upsert import UNTOUCHED, typed_columns, upsert_sql


class Snapshot(NamedTuple):
    """An aggregate as its owner has it at one moment. `id`: that moment by the owner's database, as
    no event has it. An event which is clearly younger has to be of a higher version."""

    subject: str
    aggregateversion: int
    id: UUID
    time: datetime
    data: State


class Manner(NamedTuple):
    """How rows are taken. `asked_at`: what was touched here since then is left alone. `found_by`:
    whose finding what differs is recorded as; None: nobody is to blame. `overdue`: what the owner
    changed before then has been handled here, so what is missing or behind is drift. `dry`: only
    recorded, nothing is changed."""

    asked_at: datetime
    found_by: FoundBy | None = FoundBy.RESYNC
    overdue: datetime | None = None
    dry: bool = False


class Stored(NamedTuple):
    """A row of ours, compared with the snapshot's. `untouched`: not since the owner was asked."""

    key: str
    version: int
    content_hash: str
    untouched: bool
    differs: bool
    content: dict[str, Any] | None


class Repaired(NamedTuple):
    """The keys that changed, those whose version here is above the owner's, and how many were
    recorded as drift."""

    changed: set[str]
    above: list[str]
    drifted: int


def merge_snapshots(
    replication: Replication,
    snapshots: Sequence[Snapshot],
    manner: Manner,
    *,
    confirmed: bool = False,
    made: Mapping[str, dict[str, Any]] | None = None,
) -> Repaired:
    """Brings the replica to what the owner said after it was asked. `made`: the replica's rows of
    the snapshots by key, where they were made beforehand.

    A row of a higher version than the owner's, not touched since, is only named, unless the owner
    was asked for it by its id (`confirmed`).
    """
    said = {one.subject: one for one in sorted(snapshots, key=_subject)}
    lock(replication, said)
    rows = {key: made[key] if made else replication.row(one) for key, one in said.items()}
    stored = _compared(replication, rows, manner.asked_at)
    above = {key for key, row in stored.items() if row.version > rows[key]["version"]}
    lowered = {key for key in above if confirmed and stored[key].untouched}
    kept, left = _sorted_out(replication, said, manner, lowered)
    forgotten = database_now() - tombstones_kept()
    news = {
        key
        for key in kept
        if _is_news(rows[key], stored.get(key), key in lowered)
        and (key in stored or not _is_tombstone(said[key], before=forgotten))
    }
    if not manner.dry:
        newest = news
        news = _write(replication, [rows[key] for key in sorted(news)], lowered)
        drifted.close(replication, kept.keys() - (newest - news) - (above - lowered))
    found = []
    leaves = {key for key in stored.keys() - kept.keys() if key not in above - lowered}
    for key in sorted(news | leaves):
        here = stored[key]._replace(differs=True) if key in leaves else stored.get(key)
        kind = _kind(here, rows[key], said[key], manner)
        if kind is not None:
            found.append(_found(kind, here, rows[key]))
    number = 0
    if manner.found_by is not None:
        number = drifted.record(replication, found, manner.found_by, repaired=not manner.dry)
    changed = {
        key
        for key in news
        if key not in stored or stored[key].differs or stored[key].version != rows[key]["version"]
    }
    rest = sorted(key for key in above - lowered if stored[key].untouched)
    return Repaired(set() if manner.dry else changed | left, rest, number)


def _sorted_out(
    replication: Replication,
    said: Mapping[str, Snapshot],
    manner: Manner,
    lowered: Collection[str],
) -> tuple[dict[str, Snapshot], set[str]]:
    """Those that the replica keeps, and the keys of rows that left it."""
    if manner.dry:
        return would_keep(replication, said), set()
    kept, left, _ = sort_out(replication, said, even_equal=True, beaten=lowered)
    return kept, set(left)


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
    key, key_type = replication.ordered_key
    bounds = ([after] if after else []) + ([through] if through is not None else [])
    sql = f"""
        SELECT key::text FROM "{meta.db_table}"
        WHERE {f"{key} > %s::{key_type} AND" if after else ""}
            {f"{key} <= %s::{key_type} AND" if through is not None else ""}
            NOT {key} = ANY(%s::{key_type}[]) AND {UNTOUCHED} ORDER BY {key} LIMIT %s
    """
    with connection.cursor() as cursor:
        cursor.execute(sql, [*bounds, list(brought), asked_at, asked_at, most])
        return [key for (key,) in cursor.fetchall()]


def remove_unknown(
    replication: Replication, keys: Collection[str], event_id: UUID, manner: Manner
) -> tuple[set[str], int]:
    """Removes what the owner said that it does not know, unless touched since it was asked; which,
    and how many were recorded as drift."""
    meta = replication.model._meta
    key_type = meta.pk.db_type(connection)
    sql = f"""
        SELECT key::text, version, content_hash, {drifted.content_sql(replication, "stored")}
        FROM "{meta.db_table}" AS stored
        WHERE key = ANY(%s::{key_type}[]) AND {UNTOUCHED}
        ORDER BY key FOR UPDATE
    """
    with connection.cursor() as cursor:
        cursor.execute(sql, [sorted(keys), manner.asked_at, manner.asked_at])
        found = [
            Found(key, DriftKind.EXTRA, version, content_hash, from_json(content), None, event_id)
            for key, version, content_hash, content in cursor.fetchall()
        ]
        gone = {one.key for one in found}
        if gone and not manner.dry:
            cursor.execute(
                f'DELETE FROM "{meta.db_table}" WHERE key = ANY(%s::{key_type}[])', [sorted(gone)]
            )
    if not manner.dry:
        drifted.close(replication, {*keys} - _here(replication, keys))
    number = 0
    if manner.found_by is not None:
        number = drifted.record(replication, found, manner.found_by, repaired=not manner.dry)
    return set() if manner.dry else gone, number


def _subject(snapshot: Snapshot) -> str:
    return snapshot.subject


def _kind(
    stored: Stored | None, row: Mapping[str, Any], said: Snapshot, manner: Manner
) -> DriftKind | None:
    """What kind of drift it was; None for what live events explain, or what looks different and is
    not."""
    if stored is None or stored.version < row["version"]:
        if manner.overdue is None or said.time >= manner.overdue:
            return None
        return DriftKind.BEHIND if stored else DriftKind.MISSING
    if stored.version > row["version"]:
        return DriftKind.ABOVE
    if not stored.differs:
        return None
    is_ours = stored.content_hash == row["content_hash"]
    return DriftKind.EDITED_HERE if is_ours else DriftKind.EDITED_THERE


def _found(kind: DriftKind, stored: Stored | None, row: dict[str, Any]) -> Found:
    return Found(
        row["key"],
        kind,
        stored.version if stored else 0,
        stored.content_hash if stored else "",
        stored.content if stored else None,
        row,
        row["event_id"],
    )


def _is_tombstone(said: Snapshot, *, before: datetime) -> bool:
    """One that is kept no more: that it is not here is in order."""
    return said.data.retired and said.time < before


def _is_news(row: Mapping[str, Any], stored: Stored | None, lowered: bool) -> bool:
    if stored is None or lowered or stored.version < row["version"]:
        return True
    return stored.version == row["version"] and (
        stored.differs or stored.content_hash != row["content_hash"]
    )


def _compared(
    replication: Replication, rows: Mapping[str, Any], asked_at: datetime
) -> dict[str, Stored]:
    here = _here(replication, rows)
    if not here:
        return {}  # as nearly always while a replica is filled for the first time
    compared = [row for key, row in rows.items() if key in here]
    with connection.cursor() as cursor:
        cursor.execute(_compare_sql(replication), [asked_at, asked_at, to_json(compared).decode()])
        return {
            key: Stored(key, version, hashed, untouched, differs, content and from_json(content))
            for key, version, hashed, untouched, differs, content in cursor.fetchall()
        }


def _here(replication: Replication, keys: Collection[str]) -> set[str]:
    meta = replication.model._meta
    key_type = meta.pk.db_type(connection)
    sql = f'SELECT key::text FROM "{meta.db_table}" WHERE key = ANY(%s::{key_type}[])'
    with connection.cursor() as cursor:
        cursor.execute(sql, [list(keys)])
        return {key for (key,) in cursor.fetchall()}


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
    differs = f"({content['stored']}) IS DISTINCT FROM ({content['said']})"
    return f"""
        SELECT stored.key::text, stored.version, stored.content_hash, {UNTOUCHED},
            {differs}, CASE WHEN {differs} OR stored.version <> said.version
                THEN {drifted.content_sql(replication, "stored")} END
        FROM jsonb_to_recordset(%s::jsonb) AS said({typed_columns(replication)})
        JOIN "{replication.model._meta.db_table}" AS stored ON stored.key = said.key
        ORDER BY stored.key FOR UPDATE OF stored
    """


def _write(
    replication: Replication, rows: Sequence[Mapping[str, Any]], lowered: Collection[str]
) -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(_write_sql(replication), [to_json(rows).decode(), sorted(lowered) or [""]])
        return {key for (key,) in cursor.fetchall()}


@cache
def _write_sql(replication: Replication) -> str:
    """What came between the comparison and this is of a live event: it stays if it is newer."""
    return f"""
        {upsert_sql(replication)}
        WHERE stored.version <= excluded.version OR stored.key::text = ANY(%s::text[])
        RETURNING key::text
    """
