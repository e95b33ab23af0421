"""Reconcilers that would never be woken, found before a service starts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from django.core.checks import Error, register

from polder.process.starts import STARTS
from polder.reconcile.reconciler import Reconciler, reconcilers
from polder.replication.replica import Replica, replications


@register(STARTS)
def reconcilers_are_woken(**_: Any) -> list[Error]:
    """Each watches replicas, at least one, and each model has one."""
    models = Counter(reconciler.model for reconciler in reconcilers)
    twice = [
        Error(
            f"{model._meta.label} has {number} reconcilers.",
            hint="One decides about all that it depends on.",
            obj=model,
            id="polder.E021",
        )
        for model, number in models.items()
        if number > 1
    ]
    return [*twice, *(error for reconciler in reconcilers for error in _errors(reconciler))]


def _errors(reconciler: Reconciler) -> Iterator[Error]:
    kept = {replication.model for replication in replications.values()}
    if not reconciler.watching:
        yield Error(f"{reconciler.name} watches no replica, so nothing wakes it.", id="polder.E020")
    for model in reconciler.watching:
        if not (isinstance(model, type) and issubclass(model, Replica)) or model not in kept:
            yield Error(
                f"{reconciler.name} watches {model.__name__}, which is no replica of this service.",
                id="polder.E020",
            )
    for model in reconciler.through:
        if model not in reconciler.watching:
            yield Error(
                f"{reconciler.name} has a way through {model.__name__}, which it does not watch.",
                id="polder.E022",
            )
