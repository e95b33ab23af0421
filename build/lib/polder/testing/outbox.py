"""What this service has said: the outbox, read back as events."""

from __future__ import annotations

from collections.abc import Iterable

from polder.contracts.decode import decode
from polder.contracts.event import Event
from polder.outbox.models import OutboxEvent


def published(*kinds: type[Event], subject: object = None) -> list[Event]:
    """The events in the outbox in the order in which the relay takes them, whether it has taken them or not.

    Only those of `kinds` (event classes, or an aggregate's base class) when any are given, and of `subject` when it is.
    """
    rows = OutboxEvent.objects.order_by("position")
    if subject is not None:
        rows = rows.filter(subject=str(subject))
    events = [decode(row.body.encode()) for row in rows]
    return [event for event in events if not kinds or isinstance(event, kinds)]


def types_of(events: Iterable[Event]) -> list[str]:
    """Their names, which is what most tests look at."""
    return [event.type for event in events]
