"""Reconciling: making our own aggregates agree with what the replicas say, under a lock per
aggregate."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import models

from polder.database.kept_open import kept_open
from polder.database.locking import EventsWait, LockedKeys
from polder.errors.ending import errors_only
from polder.reconcile.fenced import reconcile_around_the_fence
from polder.reconcile.locks import take_key_locks
from polder.reconcile.through import Through, concerned, who_wait
from polder.replication.replica import Replica
from polder.tracing.processing import reconciling

Reconcile = Callable[[Sequence[Any]], None]
Overdue = Callable[[], Sequence[models.QuerySet[Any]]]
CHUNK = 500  # aggregates reconciled in one transaction where no batch woke them


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
            others = {
                replica: keys for replica, keys in ours.items() if replica in reconciler.through
            }
            same = {key for replica in ours.keys() - others.keys() for key in ours[replica]}
            try:
                reconcile(reconciler, same, others)
            except LockedKeys as locked:
                with errors_only():
                    waiting = who_wait(reconciler.through, ours, locked)
                raise EventsWait(waiting, locked) from locked


def reconcile(
    reconciler: Reconciler,
    keys: set[str],
    others: Mapping[type[Replica], Collection[str]] | None = None,
) -> None:
    """`others` are the changed keys of replicas that concern keys of ours only `through` a
    function."""
    gate = None
    if reconciler.through:
        with errors_only():
            through_others, gate = concerned(reconciler.name, reconciler.through, others or {})
        keys = keys | through_others
    if keys:
        ordered = sorted(keys)
        is_fenced = take_key_locks(reconciler.model._meta.label, ordered, gate=gate)
        with reconciling(reconciler.name, ordered), errors_only(), kept_open():
            if is_fenced:
                reconcile_around_the_fence(reconciler.function, reconciler.model, ordered)
            else:
                reconciler.function(ordered)
