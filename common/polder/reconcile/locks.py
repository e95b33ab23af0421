"""The locks that reconcilers run under: of PostgreSQL, advisory, until the transaction ends."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

from django.db import connection

from polder.database.locking import wait_or_name

_TRY_LOCK = """
SELECT number FROM unnest(%s::bigint[]) AS number WHERE NOT pg_try_advisory_xact_lock(number)
"""
_LOCK = """
SELECT pg_advisory_xact_lock(number), EXISTS (SELECT FROM polder_outbox_fenced
    WHERE lifted_at IS NULL) FROM unnest(%s::bigint[]) AS number
"""


def take_gate_lock(name: str, *, exclusively: bool) -> int:
    """Of a reconciler that is also woken `through` other keys: its batches share this lock, and one
    that changed a row of other keys has it exclusively before it asks which aggregates the row
    concerns. Else another batch could make an aggregate by the row as it was, not committed yet,
    and the question would not find it. Taken before any key's lock, so nobody waits crosswise.
    Returns its number."""
    gate = _number(zlib.crc32(name.encode()), "gate")
    function = "pg_advisory_xact_lock" if exclusively else "pg_advisory_xact_lock_shared"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s)", [gate])
    return gate


def take_key_locks(label: str, keys: Sequence[str], *, gate: int | None = None) -> bool:
    """A transaction-level advisory lock per key, in order. Two batches may each bring half of what
    an aggregate waits for: the second then reads after the first has committed. At most one lock
    per event of a batch is held: who passes a `gate` alone, for whatever number of keys, needs no
    other. Returns whether anything of ours is fenced: asked on the way, once, so that it costs
    nothing."""
    space = zlib.crc32(label.encode())
    number_of = {key: _number(space, key) if gate is None else gate for key in keys}
    numbers = sorted(set(number_of.values()))

    def wait() -> bool:
        with connection.cursor() as cursor:
            cursor.execute(_LOCK, [numbers])
            return any(is_fenced for _, is_fenced in cursor.fetchall())

    def held() -> set[str]:
        with connection.cursor() as cursor:
            cursor.execute(_TRY_LOCK, [numbers])
            stuck = {number for (number,) in cursor.fetchall()}
        return {key for key, number in number_of.items() if number in stuck}

    return wait_or_name(wait, held)


def _number(space: int, key: str) -> int:
    return (space << 31 | zlib.crc32(key.encode()) >> 1) & (2**63 - 1)
