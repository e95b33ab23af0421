"""Settling: making our own aggregates agree with what the replicas say, under a lock per aggregate."""

from __future__ import annotations

import logging
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection, models, transaction

from common.replication.replica import Replica

log = logging.getLogger(__name__)

Settle = Callable[[Sequence[Any]], None]
Overdue = Callable[[int], Sequence[Any]]
CHUNK = 500  # aggregates settled in one transaction by the net


@dataclass(frozen=True)
class Settling:
    """One settle function: whose aggregates it settles, what wakes it, and what it may have missed."""

    function: Settle
    model: type[models.Model]
    watching: tuple[type[Replica], ...]
    overdue: Overdue

    @property
    def name(self) -> str:
        return self.function.__name__


settlings: list[Settling] = []


def settles(model: type[models.Model], *, watching: tuple[type[Replica], ...], overdue: Overdue) -> Callable[[Settle], Settle]:
    """Registers the one settle function of `model`: called with keys of changed rows of `watching`, which are the keys of `model`.

    It decides from the state as it is now, never from the event that woke it, so it gives the same result when run twice,
    late, or in another order. It is called with the keys sorted, inside a transaction that holds a lock for each of them.
    `overdue(limit)` names keys that have not moved for a while though they should: the net under everything else.
    """

    def register(function: Settle) -> Settle:
        settlings.append(Settling(function, model, watching, overdue))
        return function

    return register


def settle_changed(changed: Mapping[type[Replica], Iterable[str]]) -> None:
    """Runs every settle function that watches a replica that changed, with the keys that did. Inside the batch's transaction."""
    for settling in settlings:
        keys = {key for replica in settling.watching for key in changed.get(replica, ())}
        if keys:
            _settle(settling, keys)


def settle_overdue() -> dict[str, int]:
    """Settles what should have moved and has not: per settle function up to CHUNK keys, in one transaction; how many, by its name."""
    looked_at = {}
    for settling in settlings:
        keys = {str(key) for key in settling.overdue(CHUNK)}
        try:
            _settle_together(settling, keys)
        except Exception:
            log.exception("%s failed for %d overdue keys together; now one by one", settling.name, len(keys))
            for key in sorted(keys):
                _settle_by_itself(settling, key)
        looked_at[settling.name] = len(keys)
    return looked_at


def _settle_together(settling: Settling, keys: set[str]) -> None:
    if keys:
        with transaction.atomic():
            _settle(settling, keys)


def _settle_by_itself(settling: Settling, key: str) -> None:
    """One key that cannot be settled must not keep the net from the others."""
    try:
        _settle_together(settling, {key})
    except Exception:
        log.exception("%s failed for the overdue key %s", settling.name, key)


def _settle(settling: Settling, keys: set[str]) -> None:
    ordered = sorted(keys)
    _lock(settling.model._meta.label, ordered)
    settling.function(ordered)


def _lock(label: str, keys: Sequence[str]) -> None:
    """A transaction-level advisory lock per key, in order. Two batches may each bring half of what an aggregate waits for:
    the second then reads after the first has committed. At most one lock per event of a batch is held."""
    space = zlib.crc32(label.encode())
    numbers = sorted({_number(space, key) for key in keys})
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(number) FROM unnest(%s::bigint[]) AS number", [numbers])


def _number(space: int, key: str) -> int:
    return (space << 31 | zlib.crc32(key.encode()) >> 1) & (2**63 - 1)
