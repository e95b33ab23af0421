"""Sessions of the admin that have expired are of no use to anybody, and rows of them would pile up
for ever."""

from __future__ import annotations

from django.contrib.sessions.models import Session
from django.db.models.functions import Now

from polder.retention import retention_policy


@retention_policy("sessions")
def forget_expired_sessions() -> int:
    """Deletes those that have ended; how many. May run twice, at once."""
    deleted, _ = Session.objects.filter(expire_date__lt=Now()).delete()
    return deleted
