"""What the rows of a replica come to: digests of ranges, and their keys, versions and hashes.

Each row gives 64 bits, of its key, its version and, where the content is compared, its hash; those
of a range are combined by exclusive or. So both sides reckon in any order, in SQL or not.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from django.db import connection

from polder.replication.content import hash_sql
from polder.replication.replica import Replication
from polder.replication.upsert import UNTOUCHED


def bits(key: str, version: int, content: str) -> int:
    """What one row gives."""
    text = f"{key} {version} {content}"
    digest = hashlib.md5(text.encode(), usedforsecurity=False).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def bits_sql(key: str, content: str) -> str:
    """The same in SQL, of expressions for the key as text and for the content."""
    text = f"{key} || ' ' || version || ' ' || {content}"
    return f"('x' || left(md5({text}), 16))::bit(64)::bigint"


def digests(
    replication: Replication,
    *,
    after: str,
    throughs: Sequence[str],
    is_end: bool,
    with_content: bool,
) -> list[tuple[int, int]]:
    """How many rows each range has and what they come to: the first begins after `after`, each
    ends with its key, and `is_end` adds one that has no end."""
    where, values = _range_sql(replication, after, None if is_end else throughs[-1])
    content = hash_sql(replication.written) if with_content else "''"
    key = 'key::text COLLATE "C"'
    sql = f"""
        SELECT bucket, count(*), bit_xor(bits) FROM (
            SELECT width_bucket({key}, %s::text[]) - (key::text = ANY(%s::text[]))::int AS bucket,
                {bits_sql("key::text", content)} AS bits
            FROM "{replication.model._meta.db_table}" WHERE {where}
        ) AS row GROUP BY bucket
    """
    with connection.cursor() as cursor:
        cursor.execute(sql, [list(throughs), list(throughs), *values])
        found = {bucket: (rows, digest) for bucket, rows, digest in cursor.fetchall()}
    return [found.get(bucket, (0, 0)) for bucket in range(len(throughs) + is_end)]


class Held(NamedTuple):
    """A row of ours. `untouched`: not since the owner was asked."""

    version: int
    content: str
    untouched: bool


def held(
    replication: Replication,
    *,
    after: str,
    through: str | None,
    asked_at: datetime,
    with_content: bool,
    most: int,
) -> dict[str, Held]:
    """The first rows of the range, by key, in key order."""
    where, values = _range_sql(replication, after, through)
    content = hash_sql(replication.written) if with_content else "''"
    sql = f"""
        SELECT key::text, version, {content}, {UNTOUCHED}
        FROM "{replication.model._meta.db_table}" WHERE {where}
        ORDER BY {replication.ordered_key[0]} LIMIT %s
    """
    with connection.cursor() as cursor:
        cursor.execute(sql, [asked_at, asked_at, *values, most])
        return {key: Held(*rest) for key, *rest in cursor.fetchall()}


def _range_sql(replication: Replication, after: str, through: str | None) -> tuple[str, list[str]]:
    key, key_type = replication.ordered_key
    bounds = [
        (condition, bound)
        for condition, bound in ((f"{key} >", after or None), (f"{key} <=", through))
        if bound is not None
    ]
    where = " AND ".join(f"{condition} %s::{key_type}" for condition, _ in bounds)
    return where or "true", [bound for _, bound in bounds]
