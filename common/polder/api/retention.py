"""Answers kept for repeated requests are let go once nobody may count on them any more."""

from __future__ import annotations

from datetime import timedelta

from django.db.models.functions import Now

from polder.api.models import IdempotentResponse
from polder.retention import retention_policy

KEPT_FOR = timedelta(hours=24)
AT_ONCE = 5_000


@retention_policy("answers")
def forget_old_responses() -> int:
    """Deletes the answers older than 24 hours, oldest first; returns how many.

    Each 5,000 in a transaction of their own, so that no lock is held for long; it may be stopped at
    any time, and run twice or at once.
    """
    forgotten = 0
    while True:
        old = (
            IdempotentResponse.objects.filter(created_at__lt=Now() - KEPT_FOR)
            .order_by("created_at")
            .values("pk")[:AT_ONCE]
        )
        deleted, _ = IdempotentResponse.objects.filter(pk__in=old).delete()
        forgotten += deleted
        if deleted < AT_ONCE:
            return forgotten
