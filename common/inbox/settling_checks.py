"""Reconcilers that would never be woken, found before a service starts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from django.core.checks import Error, register

from common.inbox.settling import Settling, settlings
from common.replication.replica import Replica, replications


@register()
def reconcilers_are_woken(**_: Any) -> list[Error]:
    """Each watches replicas, at least one, and each model has one."""
    models = Counter(settling.model for settling in settlings)
    twice = [
        Error(f"{model._meta.label} has {number} reconcilers.", hint="One decides about all that it depends on.", obj=model, id="polder.E021")
        for model, number in models.items()
        if number > 1
    ]
    return [*twice, *(error for settling in settlings for error in _errors(settling))]


def _errors(settling: Settling) -> Iterator[Error]:
    kept = {replication.model for replication in replications.values()}
    if not settling.watching:
        yield Error(f"{settling.name} watches no replica, so nothing wakes it.", id="polder.E020")
    for model in settling.watching:
        if not (isinstance(model, type) and issubclass(model, Replica)) or model not in kept:
            yield Error(f"{settling.name} watches {model.__name__}, which is no replica of this service.", id="polder.E020")
    for model in settling.through:
        if model not in settling.watching:
            yield Error(f"{settling.name} has a way through {model.__name__}, which it does not watch.", id="polder.E022")
