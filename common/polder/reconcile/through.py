"""Reconcilers that are also woken `through` rows of other keys than their own aggregates': a
product wakes the shipments that it is in."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from polder.database.locking import LockedKeys
from polder.reconcile.locks import take_gate_lock
from polder.replication.replica import Replica

Through = Mapping[type[Replica], Callable[[Collection[str]], Iterable[Any]]]


def concerned(
    name: str, through: Through, others: Mapping[type[Replica], Collection[str]]
) -> tuple[set[str], int | None]:
    """The keys that the changed rows of other keys concern, under the reconciler's gate (see
    `take_gate_lock`); and the gate's number, where nobody else may pass it meanwhile."""
    gate = take_gate_lock(name, exclusively=bool(others))
    keys = {str(key) for replica, changed in others.items() for key in through[replica](changed)}
    return keys, gate if others else None


def who_wait(
    through: Through, changed: Mapping[type[Replica], Collection[str]], locked: LockedKeys
) -> Mapping[str, Collection[str]]:
    """Whose changes concern the keys that wait."""

    def waits(replica: type[Replica], key: str) -> bool:
        keys = through[replica]([key]) if replica in through else [key]
        return any(str(one) in locked.keys for one in keys)

    return {
        replica.replica_of: {key for key in keys if waits(replica, key)}
        for replica, keys in changed.items()
    }
