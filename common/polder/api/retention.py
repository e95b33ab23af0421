"""What is kept for repeated requests is let go once nobody may count on it any more."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from django.db.models.functions import Now

from polder import this_service
from polder.api.models import IdempotentResponse
from polder.consumer.jobs import has_been_steady
from polder.outbox.models import CarriedOut
from polder.retention import delete_in_steps, retention_policy

AT_ONCE = 5_000
A_DAY = timedelta(days=1)


@retention_policy("answers")
def forget_old_responses() -> int:
    """Deletes the answers older than `ANSWERS_HOURS`; returns how many. May be stopped at any time,
    and run twice or at once."""
    return _forget(IdempotentResponse.objects.all(), "created_at")


@retention_policy("requests carried out before a restore")
def forget_carried_out() -> int:
    """Likewise, counted from the restore: their answers would have been kept for as long."""
    return _forget(CarriedOut.objects.all(), "noted_at")


def _forget(rows: QuerySet[Any], dated_by: str) -> int:
    kept = this_service.kept("ANSWERS_HOURS")
    if not has_been_steady("retention", min(kept, A_DAY)):
        return 0  # by a clock that was set forward by a day all of them are old
    return delete_in_steps(rows.filter(**{f"{dated_by}__lt": Now() - kept}), AT_ONCE)
