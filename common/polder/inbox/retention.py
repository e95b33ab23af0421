"""Parked messages go when nobody can want them any more: those that were decided about, after a
while; those that nobody has decided about, after a long one.

Never before the ledger forgets: until then the same message may come again, and would be parked
anew.
"""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Q
from django.db.models.functions import Now

from polder import this_service
from polder.inbox.models import BulkOperation, ParkedEvent, ParkedState
from polder.retention import delete_in_steps, retention_policy


@retention_policy("parked messages")
def forget_parked() -> int:
    """How many, decided and undecided. May run at any time, twice, at once."""
    decided = ~Q(state=ParkedState.PARKED) & _older_than("DECIDED_DAYS")
    undecided = Q(state=ParkedState.PARKED) & _older_than("PARKED_DAYS")
    return delete_in_steps(ParkedEvent.objects.filter(decided | undecided), at_once=200)


@retention_policy("bulk operations")
def forget_bulk() -> int:
    """Those that are over. May run at any time, twice, at once."""
    long_ago = Now() - this_service.kept("RECORDS_DAYS")
    return delete_in_steps(BulkOperation.objects.filter(ended_at__lt=long_ago), at_once=200)


def _older_than(setting: str) -> Q:
    reach = timedelta(weeks=this_service.ledger_weeks_kept())
    return Q(last_seen_at__lt=Now() - max(this_service.kept(setting), reach))
