"""Events whose key belongs to no week that was ever made are dropped one by one: their partition,
the default one, always stays."""

from __future__ import annotations

from datetime import timedelta

from django.db import connection
from django.db.models.functions import Now

from polder import this_service
from polder.outbox.models import GuardFinding, Subscriber
from polder.retention import delete_in_steps, retention_policy

AT_ONCE = 10_000  # rows
_DROP = """
DELETE FROM polder_outbox_default WHERE id IN (
    SELECT id FROM polder_outbox_default WHERE published_at < now() - %s * interval '7 days'
        LIMIT %s FOR UPDATE SKIP LOCKED)
"""


@retention_policy("outbox events of no week")
def drop_strays() -> int:
    """Those published longer ago than weeks are kept; how many. May run at any time, twice, at
    once."""
    with connection.cursor() as cursor:
        cursor.execute(_DROP, [this_service.weeks_kept(), AT_ONCE])
        return int(cursor.rowcount)


@retention_policy("findings of the guard")
def forget_findings() -> int:
    """How many. May run at any time, twice, at once."""
    before = Now() - this_service.kept("RECORDS_DAYS")
    return delete_in_steps(GuardFinding.objects.filter(found_at__lt=before))


@retention_policy("subscribers that are gone")
def forget_subscribers() -> int:
    """Those that have answered nothing for as long as a ledger is kept: a start waits for each that
    is known. One that comes back is known again by its next answer. How many; may run at any time,
    twice, at once."""
    before = Now() - timedelta(weeks=this_service.ledger_weeks_kept())
    return delete_in_steps(Subscriber.objects.filter(answered_at__lt=before))
