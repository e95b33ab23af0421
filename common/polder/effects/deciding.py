"""What an operator decides about an effect."""

from __future__ import annotations

from django.db.models.functions import Now

from polder.effects.models import Intent, IntentState


class NotWaiting(ValueError):
    """It is done or skipped already."""


def repeat(intent: Intent) -> None:
    """It is carried out again, or at once, whatever became of it, with the same key and body."""
    now = Now()
    Intent.objects.filter(pk=intent.pk).update(
        state=IntentState.WAITING, attempts=0, error="", waiting_since=now, due_at=now, done_at=None
    )


def skip(intent: Intent, why: str) -> None:
    """Nobody carries it out. Raises NotWaiting."""
    open_states = (IntentState.WAITING, IntentState.FAILED)
    rows = Intent.objects.filter(pk=intent.pk, state__in=open_states)
    if not rows.update(state=IntentState.SKIPPED, error=why):
        raise NotWaiting("it is done or skipped already")
