"""Effects are forgotten when no event can bring them again, and those that wait for somebody after
a long while."""

from __future__ import annotations

from django.db.models import Q
from django.db.models.functions import Now

from polder import this_service
from polder.effects.intents import remembered
from polder.effects.models import Intent, IntentState
from polder.retention import delete_in_steps, retention_policy


@retention_policy("effects")
def forget_effects() -> int:
    """How many. May run at any time, twice, at once."""
    over = Q(state__in=(IntentState.DONE, IntentState.SKIPPED))
    parked = max(this_service.kept("PARKED_DAYS"), remembered())
    old = Q(created_at__lt=Now() - remembered()) & over & ~Q(done_at__gt=Now() - remembered())
    given_up = Q(state=IntentState.FAILED, created_at__lt=Now() - parked)
    return delete_in_steps(Intent.objects.filter(old | given_up))
