"""Whether this service may act already: its database may have been set back, so it asks its
subscribers first what they know (`polder.pasts`)."""

from __future__ import annotations

import time
from datetime import timedelta
from uuid import UUID

from django.utils import timezone
from uuid_utils.compat import uuid7

from polder.database.partitioning import first_key_at
from polder.outbox.models import OutboxEvent, Subscriber

PATIENCE = 15.0  # seconds that answers are waited for
SKEW = timedelta(seconds=10)  # by which the clocks of one service's processes may disagree


def not_yet_asked() -> UUID:
    """A question of this or a later id was asked before the clock was set back, or on another host
    whose clock was ahead: it says nothing of when it was answered."""
    return first_key_at(timezone.now() + SKEW)


def who_is_missing(question: UUID) -> set[str]:
    """Of those that have ever answered, who has not answered this question or a later one; of an
    unknown number of them, anybody."""
    answered = dict(Subscriber.objects.values_list("name", "question"))
    if not answered:
        return {"a subscriber"}
    future = not_yet_asked()
    return {name for name, newest in answered.items() if not question <= newest < future}


def has_said_nothing() -> bool:
    """Then nobody can know anything of us."""
    return not Subscriber.objects.exists() and not OutboxEvent.objects.exists()


class _Gate:
    """Of the housekeeper, which hears the answers itself, and so cannot wait for them."""

    began: float | None = None  # none: this process need not ask
    question = UUID(int=0)


def begin() -> None:
    """This process, and those that it forks, may not act until the answers have come."""
    _Gate.began, _Gate.question = time.monotonic(), uuid7()


def may_act() -> bool:
    """Whether the answers have come since this process began, or the time for them has passed."""
    if _Gate.began is None:
        return True
    late = time.monotonic() > _Gate.began + PATIENCE
    if late or has_said_nothing() or not who_is_missing(_Gate.question):
        _Gate.began = None
        return True
    return False
