"""The one task that takes events. It is never sent through the broker: the intake hands it to the pool."""

from __future__ import annotations

from billiard.exceptions import SoftTimeLimitExceeded
from celery import shared_task
from django.db import DEFAULT_DB_ALIAS, close_old_connections, connection, connections

from common.inbox import failures
from common.inbox.alone import apply_alone
from common.inbox.applying import apply_batch
from common.inbox.delivery import Delivery
from common.intake.limits import HARD_LIMIT, SOFT_LIMIT
from common.pasts.hearing import hear

failures.INTERRUPTIONS.append(SoftTimeLimitExceeded)


@shared_task(name="apply_events", ignore_result=True, soft_time_limit=SOFT_LIMIT, time_limit=HARD_LIMIT)
def apply_events(messages: list[tuple[str, str, bytes, float]], alone: bool) -> str:
    """Applies a batch in one transaction; Flower shows what it returns. Raises what `apply_batch` raises."""
    _forget_unended_transaction()
    close_old_connections()
    events = hear([Delivery(*message) for message in messages])
    if not events:
        return f"heard {len(messages)}"
    return str(apply_alone(events[0]) if alone else apply_batch(events))


def _forget_unended_transaction() -> None:
    """A time limit, or want of memory, may have struck while a transaction was being ended. Django would take this batch for
    part of it, and never commit; so the connection is forgotten, with all that Django thinks of it."""
    if connection.in_atomic_block:
        if connection.connection is not None:
            connection.connection.close()  # the server rolls back
        del connections[DEFAULT_DB_ALIAS]
