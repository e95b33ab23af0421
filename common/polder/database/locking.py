"""Locking rows. When somebody holds one of them for long, the keys that need it are named, so that
only what concerns them waits. And work that one process does at a time."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any, TypeVar

from django.db import Error, OperationalError, connection, models, transaction

from polder.errors.faults import Fault, fault_of
from polder.plural import plural

M = TypeVar("M", bound=models.Model)
R = TypeVar("R")
Taken = TypeVar("Taken")

_naming: ContextVar[bool] = ContextVar("naming_who_waits", default=False)


class LockedKeys(Exception):
    """Somebody holds what these keys need: those of the replica that is merged, or of the
    reconciler. Raised from the database's error."""

    def __init__(self, keys: Collection[str], error: Exception) -> None:
        super().__init__(f"{plural(len(keys), 'key waits', 'keys wait')} for a lock: {error}")
        self.keys = frozenset(keys)


class EventsWait(Exception):
    """Somebody holds what the events of these aggregates need, named by "owner.aggregate" and key.
    Raised from the database's error; of other events it is not known that they wait."""

    def __init__(self, keys: Mapping[str, Collection[str]], locked: LockedKeys) -> None:
        super().__init__(str(locked))
        self.keys = keys

    def concerns(self, aggregate: str, key: str) -> bool:
        return key in self.keys.get(aggregate, ())


def lock_rows(
    rows: models.QuerySet[M], needed_by: Mapping[Any, Collection[Any]] | None = None
) -> list[M]:
    """The rows, locked in the order of their primary keys. Inside a transaction.

    `needed_by`: the primary keys of the rows that each key of the reconciler needs; without it each
    row is needed by the key that it is named for. What is selected beside the rows is not locked.
    Where the same is read often, `ByKey(...).locked(keys)` does it for less.
    """
    return lock_rows_by(lambda: list(locking(rows)), lambda: rows, needed_by)


def locking(rows: models.QuerySet[M, R]) -> models.QuerySet[M, R]:
    """The query that locks them; what is selected beside them is not locked."""
    return rows.select_for_update(of=("self",)).order_by("pk")


def lock_rows_by(
    wait: Callable[[], Taken],
    rows: Callable[[], models.QuerySet[Any, Any]],
    needed_by: Mapping[Any, Collection[Any]] | None,
) -> Taken:
    """What `wait` returns, which locks the rows; see `lock_rows`. `rows` is asked for only when it
    waits in vain."""

    def held() -> set[str]:
        stuck = held_rows(rows())
        if needed_by is None:
            return {str(pk) for pk in stuck}
        return {str(key) for key, needed in needed_by.items() if not stuck.isdisjoint(needed)}

    return wait_or_name(wait, held)


def held_rows(rows: models.QuerySet[Any, Any]) -> set[Any]:
    """The primary keys of those that somebody holds now. The others are locked."""
    free = {row.pk for row in rows.select_for_update(of=("self",), skip_locked=True)}
    return {pk for pk in rows.values_list("pk", flat=True) if pk not in free}


def wait_or_name(wait: Callable[[], Taken], held: Callable[[], Collection[str]]) -> Taken:
    """What `wait` returns. Where the keys are to be named and it waits in vain, LockedKeys with
    those that `held` finds."""
    if not _naming.get():
        return wait()
    try:
        with transaction.atomic():
            return wait()
    except OperationalError as error:
        if fault_of(error) is not Fault.LOCKED or not (keys := held()):
            raise
        raise LockedKeys(keys, error) from error


@contextmanager
def naming_who_waits(wanted: bool) -> Iterator[None]:
    """Costs a savepoint wherever locks are taken, so it is wanted only while somebody is known to
    hold one for long."""
    token = _naming.set(wanted)
    try:
        yield
    finally:
        _naming.reset(token)


@contextmanager
def nobody_else(kind: str, what: str) -> Iterator[bool]:
    """Whether this process alone works on it now; one that is lost works on it no more. By the
    session, so it is no matter how many transactions the work takes."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtext(%s), hashtext(%s))", [kind, what])
        is_ours = bool(cursor.fetchone()[0])
    try:
        yield is_ours
    finally:
        if is_ours:
            with suppress(Error), connection.cursor() as cursor:
                cursor.execute(
                    "SELECT pg_advisory_unlock(hashtext(%s), hashtext(%s))", [kind, what]
                )
