"""What a replica with `where` does not keep. The version of what left, and of what never matched,
is remembered for as long as an older event may be applied, so that none brings it back.

Whoever looks at a key of such a replica holds its lock until the transaction ends: there may be no
row to lock.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from functools import cache
from typing import Any, NamedTuple, TypeVar

from django.db import connection

from polder import this_service
from polder.replication.models import OutsideVersion
from polder.replication.replica import Replication, Said

S = TypeVar("S", bound=Said)

_LOCK = """
SELECT count(pg_advisory_xact_lock(hashtextextended(name, 0))) FROM (
    SELECT %s || ' ' || key AS name FROM unnest(%s::text[]) AS key ORDER BY 1) AS sorted
"""
_NEWER = """
WITH said AS (SELECT * FROM unnest(%s::text[], %s::bigint[]) AS said(key, version)), back AS (
    DELETE FROM polder_replication_outsideversion AS outside USING said
    WHERE outside.aggregate = %s AND outside.key = said.key AND outside.version {older} said.version
)
SELECT key FROM said WHERE EXISTS (SELECT FROM polder_replication_outsideversion AS outside
    WHERE outside.aggregate = %s AND outside.key = said.key
        AND NOT outside.version {older} said.version)
"""
_REMEMBER = """
INSERT INTO polder_replication_outsideversion AS outside (aggregate, key, version, since)
SELECT %s, key, version, since FROM (
    SELECT key, version, least(clock_timestamp(), time) AS since
    FROM unnest(%s::text[], %s::bigint[], %s::timestamptz[]) AS said(key, version, time)
) AS said WHERE since > clock_timestamp() - %s
ON CONFLICT (aggregate, key) DO UPDATE SET
    version = greatest(outside.version, excluded.version),
    since = greatest(outside.since, excluded.since)
"""


class SortedOut(NamedTuple):
    """By subject: what is to be merged; what made a row leave; what is not kept, and made none
    leave. What is older than what left is in none of them."""

    kept: dict[str, S]  # type: ignore[valid-type]
    left: dict[str, S]  # type: ignore[valid-type]
    outside: dict[str, S]  # type: ignore[valid-type]


def remembered_for() -> timedelta:
    """As long as an older event may be applied: it comes while the ledger reaches back to it, and
    what is parked then may be redriven."""
    parked = max(this_service.kept("PARKED_DAYS"), this_service.kept("DECIDED_DAYS"))
    return timedelta(weeks=this_service.ledger_weeks_kept()) + parked


def lock(replication: Replication, keys: Collection[str]) -> None:
    """Before their rows are locked."""
    if replication.where:
        _execute(_LOCK, [replication.aggregate, sorted(keys)])


def sort_out(
    replication: Replication,
    newest: Mapping[str, S],
    *,
    even_equal: bool = False,
    beaten: Collection[str] = (),
) -> SortedOut:
    """Removes the rows that stopped matching. `even_equal`: what is said also beats what is known
    at the same version, as its owner's word does; and of `beaten` whatever the version. Takes part
    in the open transaction; may run twice."""
    if not replication.where:
        return SortedOut(dict(newest), {}, {})
    older = "<=" if even_equal else "<"
    lock(replication, newest)
    out = {key: one for key, one in newest.items() if not replication.keeps(one.data)}
    removed = _execute(_remove_sql(replication, older), [*_columns(out), list(beaten)])
    left = {key: out[key] for key in sorted(removed)}
    gone = _without_row(replication, out)
    if gone:
        there_no_more = {key: out[key] for key in gone}
        # what a snapshot says may be of long ago, and no event that is older can come any more
        times = [one.time if even_equal else None for one in there_no_more.values()]
        _execute(
            _REMEMBER, [replication.aggregate, *_columns(there_no_more), times, remembered_for()]
        )
    there = {key: one for key, one in newest.items() if key not in out}
    late = _execute(
        _NEWER.format(older=older), [*_columns(there), replication.aggregate, replication.aggregate]
    )
    kept = {key: one for key, one in there.items() if key not in late}
    return SortedOut(kept, left, {key: out[key] for key in gone if key not in left})


def would_keep(replication: Replication, said: Mapping[str, S]) -> dict[str, S]:
    """By key, what `sort_out` would keep of what an owner says; changes nothing."""
    if not replication.where:
        return dict(said)
    known = OutsideVersion.objects.filter(aggregate=replication.aggregate, key__in=list(said))
    versions = known.values_list("key", "version")
    late = {key for key, version in versions if version > said[key].aggregateversion}
    there = {key: one for key, one in said.items() if key not in late}
    return {key: one for key, one in there.items() if replication.keeps(one.data)}


def _without_row(replication: Replication, out: Mapping[str, Said]) -> list[str]:
    rows = replication.model._base_manager.filter(pk__in=list(out)).values_list("pk", flat=True)
    return sorted(out.keys() - set(map(str, rows)))


@cache
def _remove_sql(replication: Replication, older: str) -> str:
    meta = replication.model._meta
    key_type = meta.pk.db_type(connection)
    return f"""
        WITH removed AS (
            DELETE FROM "{meta.db_table}" AS stored
            USING unnest(%s::text[], %s::bigint[]) AS said(key, version)
            WHERE stored.key = said.key::{key_type}
                AND (stored.version {older} said.version OR said.key = ANY(%s::text[]))
            RETURNING stored.key::text
        ), closed AS (
            UPDATE polder_replication_drift AS drift SET repaired_at = clock_timestamp()
            FROM removed WHERE drift.repaired_at IS NULL
                AND drift.aggregate = '{replication.aggregate}' AND drift.key = removed.key
        )
        SELECT key FROM removed
    """


def _columns(said: Mapping[str, Said]) -> list[Sequence[Any]]:
    return [list(said), [one.aggregateversion for one in said.values()]]


def _execute(sql: str, values: Sequence[Any]) -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return {str(row[0]) for row in cursor.fetchall()} if cursor.description else set()
