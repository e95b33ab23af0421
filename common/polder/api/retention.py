"""Answers kept for repeated requests are let go once nobody may count on them any more."""

from __future__ import annotations

from datetime import timedelta

from django.db.models.functions import Now

from polder import this_service
from polder.api.models import IdempotentResponse
from polder.consumer.jobs import has_been_steady
from polder.retention import delete_in_steps, retention_policy

AT_ONCE = 5_000
A_DAY = timedelta(days=1)


@retention_policy("answers")
def forget_old_responses() -> int:
    """Deletes the answers older than `ANSWERS_HOURS`; returns how many. May be stopped at any time,
    and run twice or at once."""
    kept = this_service.kept("ANSWERS_HOURS")
    if not has_been_steady("retention", min(kept, A_DAY)):
        return 0  # by a clock that was set forward by a day all of them are old
    old = IdempotentResponse.objects.filter(created_at__lt=Now() - kept)
    return delete_in_steps(old, AT_ONCE)
