"""What the housekeeper drops besides old partitions. A package that keeps rows for a while
registers here; the consumer need not know it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import models, transaction

Forget = Callable[[], int]
retention_policies: dict[str, Forget] = {}  # by what is forgotten


def retention_policy(what: str) -> Callable[[Forget], Forget]:
    """Registers a function that deletes what nobody counts on any more and returns how many. It may
    be stopped at any time, and run at once."""

    def register(function: Forget) -> Forget:
        retention_policies[what] = function
        return function

    return register


def delete_in_steps(rows: models.QuerySet[Any, Any], at_once: int = 1_000) -> int:
    """Deletes them, oldest first, so many in a transaction of their own, so that no lock is held
    for long; how many. Those that somebody holds are left to the next time."""
    deleted, rest = 0, rows.order_by("pk")
    while True:
        with transaction.atomic():
            step = list(
                rest.select_for_update(skip_locked=True).values_list("pk", flat=True)[:at_once]
            )
            rows.model._base_manager.filter(pk__in=step).delete()
        deleted += len(step)
        if len(step) < at_once:
            return deleted
        rest = rest.filter(pk__gt=step[-1])  # and not over those that stay, at every step
