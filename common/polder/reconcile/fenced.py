"""Reconciling while something of ours is fenced: others know it better than we do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from django.db import models, transaction

from polder.domain.aggregate import aggregate_name
from polder.outbox import fence
from polder.outbox.fence import FencedAggregate


def reconcile_around_the_fence(
    function: Callable[[Sequence[Any]], None], model: type[models.Model], keys: Sequence[str]
) -> None:
    """Leaves alone what others know better than we do, and whatever cannot be reconciled without
    touching it: periodic reconciliation looks at these keys again each minute, and finds them when
    the fence is gone."""
    fenced = fence.fenced_keys(aggregate_name(model), keys)
    free = [key for key in keys if key not in fenced]
    try:
        with transaction.atomic():
            function(free)
    except FencedAggregate:
        for key in free:
            with suppress(FencedAggregate), transaction.atomic():
                function([key])
