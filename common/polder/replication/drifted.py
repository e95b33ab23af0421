"""Records of what a resync or an audit found to differ, and how they end.

All of it takes part in the open transaction.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import Q
from django.db.models.functions import Now
from pydantic_core import from_json, to_json

from polder.replication.models import Drift, DriftKind, FoundBy
from polder.replication.replica import OWN_COLUMNS, Replication

# what only a comparison of the content finds again
OF_CONTENT = (DriftKind.EDITED_HERE, DriftKind.EDITED_THERE)


_CLOSE = """
UPDATE polder_replication_drift SET repaired_at = now()
WHERE repaired_at IS NULL AND aggregate = %s AND key = ANY(%s::text[])
"""


class Found(NamedTuple):
    """One difference: our row's version and hash (0 and "" where there is none), what we had, and
    the row that the owner said (None where it knows none)."""

    key: str
    kind: DriftKind
    version: int
    stored_hash: str
    before: dict[str, Any] | None
    said: dict[str, Any] | None
    event_id: UUID


def record(
    replication: Replication, found: Iterable[Found], found_by: FoundBy, *, repaired: bool
) -> int:
    """How many. One that is open already is only noted as seen once more."""
    rows = {one.key: one for one in found}
    if not rows:
        return 0
    known = Drift.objects.filter(
        aggregate=replication.aggregate, repaired_at=None, key__in=list(rows)
    )
    if repaired:
        known.update(repaired_at=Now(), seen_at=Now())
    else:
        seen = [drift for drift in known if drift.version == rows[drift.key].version]
        again = Drift.objects.filter(pk__in=[drift.pk for drift in seen])
        known.exclude(pk__in=again).update(repaired_at=Now())  # another one takes its place
        again.update(seen_at=Now())
        open_already = {drift.key for drift in seen}
        rows = {key: one for key, one in rows.items() if key not in open_already}
    made = Drift.objects.bulk_create(
        _record(replication, one, found_by) for _, one in sorted(rows.items())
    )
    if repaired:  # found and repaired in one transaction
        Drift.objects.filter(pk__in=[drift.pk for drift in made]).update(repaired_at=Now())
    return len(made)


def _record(replication: Replication, one: Found, found_by: FoundBy) -> Drift:
    said = one.said
    return Drift(
        aggregate=replication.aggregate,
        key=one.key,
        kind=one.kind,
        version=one.version,
        stored_hash=one.stored_hash,
        event_hash=said["content_hash"] if said else "",
        event_id=one.event_id,
        before=one.before,
        after=content_of(replication, said) if said else None,
        found_by=found_by,
    )


def content_of(replication: Replication, row: Mapping[str, Any]) -> dict[str, Any]:
    """What `before` and `after` say, of a row as its owner has said."""
    content = {"version": row["version"], "retired": row["retired_at"] is not None}
    plain: dict[str, Any] = from_json(to_json({name: row[name] for name in replication.columns}))
    return content | plain


def content_sql(replication: Replication, table: str) -> str:
    """The same of a row of ours. A function takes 100 arguments at most: the row is one."""
    others = ",".join(sorted({*OWN_COLUMNS} - {"version"}))
    retired = f"jsonb_build_object('retired', {table}.retired_at IS NOT NULL)"
    return f"(to_jsonb({table}) - '{{{others}}}'::text[] || {retired})"


def content_here(replication: Replication, keys: Collection[str]) -> dict[str, dict[str, Any]]:
    """Of our rows of these keys, by key."""
    meta = replication.model._meta
    sql = f"""
        SELECT key::text, {content_sql(replication, "stored")} FROM "{meta.db_table}" AS stored
        WHERE key = ANY(%s::{meta.pk.db_type(connection)}[])
    """
    with connection.cursor() as cursor:
        cursor.execute(sql, [list(keys)])
        return {key: from_json(content) for key, content in cursor.fetchall()}


def close(replication: Replication, keys: Collection[str]) -> None:
    """These are as their owner says now."""
    if keys:
        with connection.cursor() as cursor:
            cursor.execute(_CLOSE, [replication.aggregate, list(keys)])


def close_unfound(aggregate: str, *, since: datetime, with_content: bool) -> int:
    """Closes the records of what all rows were compared for since then and was not found again."""
    unfound = Q(repaired_at=None, aggregate=aggregate, seen_at__lt=since)
    if not with_content:
        unfound &= ~Q(kind__in=OF_CONTENT)
    return Drift.objects.filter(unfound).update(repaired_at=Now())
