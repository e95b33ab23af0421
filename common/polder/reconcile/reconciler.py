"""Reconciling: making our own aggregates agree with what the replicas say, under a lock per
aggregate."""

from __future__ import annotations

import logging
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from django.db import connection, models, transaction

from polder.domain.aggregate import aggregate_name
from polder.faults import Fault, fault_of
from polder.locking import EventsWait, LockedKeys, naming_who_waits, wait_or_name
from polder.outbox import fence
from polder.outbox.fence import FencedAggregate
from polder.replication.replica import Replica
from polder.tracing.processing import reconciling

log = logging.getLogger(__name__)

Reconcile = Callable[[Sequence[Any]], None]
Overdue = Callable[[], Sequence[models.QuerySet[Any]]]
Through = Mapping[type[Replica], Callable[[Collection[str]], Iterable[Any]]]
_TRY_LOCK = """
SELECT number FROM unnest(%s::bigint[]) AS number WHERE NOT pg_try_advisory_xact_lock(number)
"""
_LOCK = """
SELECT pg_advisory_xact_lock(number), EXISTS (SELECT FROM polder_outbox_fenced
    WHERE lifted_at IS NULL) FROM unnest(%s::bigint[]) AS number
"""
CHUNK = 500  # aggregates reconciled in one transaction by the periodic reconciliation
WAIT_FOR_LOCKS = "200ms"  # that the periodic reconciliation may wait


@dataclass(frozen=True)
class Reconciler:
    """One reconciler: whose aggregates it reconciles, what wakes it, and what it may have
    missed.
    """

    function: Reconcile
    model: type[models.Model]
    watching: tuple[type[Replica], ...]
    overdue: Overdue
    through: Through = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.function.__name__


reconcilers: list[Reconciler] = []


def reconciles(
    model: type[models.Model],
    *,
    watching: tuple[type[Replica], ...],
    overdue: Overdue,
    through: Through | None = None,
) -> Callable[[Reconcile], Reconcile]:
    """Registers the one reconciler of `model`: called with keys of changed rows of `watching`,
    which are the keys of `model`.

    For a watched replica of other keys `through` has a function from those to the keys of `model`
    that they concern. It decides from the state as it is now, never from the event that woke it, so
    it gives the same result when run twice, late, or in another order. It is called with the keys
    sorted, inside a transaction that holds a lock for each of them. `overdue()` selects rows whose
    keys should have moved a while ago and have not: the periodic reconciliation under everything
    else. It is looked at every minute, so each of its queries finds them by an index on what is
    still under way, and never reads through what is over.
    """

    def register(function: Reconcile) -> Reconcile:
        reconcilers.append(Reconciler(function, model, watching, overdue, through or {}))
        return function

    return register


def reconcile_changed(changed: Mapping[type[Replica], Collection[str]]) -> None:
    """Runs every reconciler that watches a replica that changed, with the keys that did. Inside the
    batch's transaction. Raises EventsWait (see `locking`), besides what reconcilers raise."""
    for reconciler in reconcilers:
        ours = {replica: keys for replica in reconciler.watching if (keys := changed.get(replica))}
        if ours:
            try:
                _reconcile_watched(reconciler, ours)
            except LockedKeys as locked:
                raise EventsWait(_who_wait(reconciler, ours, locked), locked) from locked


def _reconcile_watched(
    reconciler: Reconciler, ours: Mapping[type[Replica], Collection[str]]
) -> None:
    same = {
        key for replica, keys in ours.items() if replica not in reconciler.through for key in keys
    }
    _reconcile(
        reconciler,
        same,
        {replica: keys for replica, keys in ours.items() if replica in reconciler.through},
    )


def _who_wait(
    reconciler: Reconciler, ours: Mapping[type[Replica], Collection[str]], locked: LockedKeys
) -> Mapping[str, Collection[str]]:
    """Whose changes concern the keys that wait."""

    def waits(replica: type[Replica], key: str) -> bool:
        concerned = reconciler.through[replica]([key]) if replica in reconciler.through else [key]
        return any(str(one) in locked.keys for one in concerned)

    return {
        replica.replica_of: {key for key in keys if waits(replica, key)}
        for replica, keys in ours.items()
    }


def reconcile_overdue() -> dict[str, int]:
    """Reconciles what should have moved and has not, CHUNK keys in a transaction; how many were
    looked at, by reconciler."""
    return {
        reconciler.name: sum(_reconcile_page(reconciler, keys) for keys in _pages(reconciler))
        for reconciler in reconcilers
    }


def _pages(reconciler: Reconciler) -> Iterator[list[Any]]:
    """By key, each page after the last: those that cannot be reconciled keep nobody behind them
    from being looked at."""
    for overdue in reconciler.overdue():
        keys = overdue.order_by("pk").values_list("pk", flat=True)
        page = list(keys[:CHUNK])
        while page:
            yield page
            page = list(keys.filter(pk__gt=page[-1])[:CHUNK])


def _reconcile_page(reconciler: Reconciler, page: Sequence[Any]) -> int:
    keys = {str(key) for key in page}
    locked: set[str] = set()
    try:
        _reconcile_but_locked(reconciler, keys, locked)
    except Exception as error:
        _tell(
            error,
            "%s failed for %d overdue keys together; now one by one",
            reconciler.name,
            len(keys),
        )
        locked |= {
            key for key in sorted(keys - locked) if not _reconcile_by_itself(reconciler, key)
        }
    if locked:
        log.warning(
            "%s waits for locks that somebody holds, for %d overdue keys, first %s",
            reconciler.name,
            len(locked),
            min(locked),
        )
    return len(keys)


def _reconcile_but_locked(reconciler: Reconciler, keys: set[str], locked: set[str]) -> None:
    """Adds to `locked` those that wait for what somebody holds, and reconciles the rest."""
    try:
        _reconcile_together(reconciler, keys - locked)
    except LockedKeys as error:
        if locked.issuperset(error.keys):
            raise
        locked |= error.keys
        _reconcile_but_locked(reconciler, keys, locked)


def _reconcile_together(reconciler: Reconciler, keys: set[str]) -> None:
    """Gives up soon when a row is locked: meanwhile it stands in the way of the events that concern
    its other keys."""
    with transaction.atomic(), naming_who_waits(True):
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [WAIT_FOR_LOCKS])
        _reconcile(reconciler, keys)


def _reconcile_by_itself(reconciler: Reconciler, key: str) -> bool:
    """One key that cannot be reconciled must not keep the periodic reconciliation from the others.
    False: somebody holds a lock that it needs."""
    try:
        _reconcile_together(reconciler, {key})
    except Exception as error:
        if fault_of(error) is Fault.LOCKED:
            return False
        log.exception(
            "%s failed for the overdue key %s; tried again in a minute", reconciler.name, key
        )
    return True


def _tell(error: Exception, sentence: str, *values: object) -> None:
    """A traceback tells nothing where a lock was not to be had."""
    log.log(
        logging.WARNING if fault_of(error) is Fault.LOCKED else logging.ERROR,
        sentence,
        *values,
        exc_info=fault_of(error) is not Fault.LOCKED,
    )


def _reconcile(
    reconciler: Reconciler,
    keys: set[str],
    others: Mapping[type[Replica], Collection[str]] | None = None,
) -> None:
    """`others` are the changed keys of replicas that concern keys of ours only `through` a
    function."""
    gate = _gate(reconciler)
    if reconciler.through:
        _take_gate_lock(gate, exclusively=bool(others))
        keys = keys.union(
            *(
                {str(key) for key in reconciler.through[replica](changed)}
                for replica, changed in (others or {}).items()
            )
        )
    if keys:
        ordered = sorted(keys)
        # who passes the gate alone needs no lock for each of what may be any number
        numbers = dict.fromkeys(ordered, gate) if others else _numbers(reconciler, ordered)
        is_fenced = _lock(numbers)
        with reconciling(reconciler.name, ordered):
            if is_fenced:
                _reconcile_outside_the_fence(reconciler, ordered)
            else:
                reconciler.function(ordered)


def _reconcile_outside_the_fence(reconciler: Reconciler, keys: Sequence[str]) -> None:
    """Leaves alone what others know better than we do, and whatever cannot be reconciled without
    touching it: periodic reconciliation looks at these keys again each minute, and finds them when
    the fence is gone."""
    fenced = fence.fenced_keys(aggregate_name(reconciler.model), keys)
    free = [key for key in keys if key not in fenced]
    try:
        with transaction.atomic():
            reconciler.function(free)
    except FencedAggregate:
        for key in free:
            with suppress(FencedAggregate), transaction.atomic():
                reconciler.function([key])


def _gate(reconciler: Reconciler) -> int:
    return _number(zlib.crc32(reconciler.name.encode()), "gate")


def _numbers(reconciler: Reconciler, keys: Sequence[str]) -> dict[str, int]:
    space = zlib.crc32(reconciler.model._meta.label.encode())
    return {key: _number(space, key) for key in keys}


def _take_gate_lock(gate: int, *, exclusively: bool) -> None:
    """Who asks what a changed row concerns must see all that others are reconciling by the row as
    it was: they pass together, it passes alone. Else an aggregate could be made by the old row
    while the new one finds that it concerns nobody. Taken before any key's lock, so nobody waits
    crosswise."""
    function = "pg_advisory_xact_lock" if exclusively else "pg_advisory_xact_lock_shared"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s)", [gate])


def _lock(number_of: Mapping[str, int]) -> bool:
    """A transaction-level advisory lock per key, in order. Two batches may each bring half of what
    an aggregate waits for: the second then reads after the first has committed. At most one lock
    per event of a batch is held. Returns whether anything of ours is fenced: asked on the way,
    once, so that it costs nothing."""
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
