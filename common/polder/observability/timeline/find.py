"""Which keys an id belongs to: that of an event, or of a request and what it led to."""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

from django.db import OperationalError

from polder.inbox.models import LedgerEntry, ParkedEvent
from polder.observability.measures import limited
from polder.outbox.models import OutboxEvent

MOST = 50  # keys
PATIENCE = 0.5  # seconds of one statement


class Found(NamedTuple):
    """A key, and the event by which it was found; None: by the id of a request."""

    key: str
    event: UUID | None


def found_by(text: str) -> list[Found]:
    """What is known here of the id of an event or a request; empty for anything else."""
    try:
        asked = UUID(text.strip())
    except ValueError:
        return []
    for model, name in ((OutboxEvent, "pk"), (LedgerEntry, "pk"), (ParkedEvent, "event_id")):
        subject = model._default_manager.filter(**{name: asked}).values_list("subject", flat=True)
        if key := next(iter(subject[:1]), ""):
            return [Found(key, asked)]
    return [Found(key, None) for key in _of_request(asked)]


def _of_request(asked: UUID) -> list[str]:
    keys: set[str] = set()
    for model in (OutboxEvent, LedgerEntry, ParkedEvent):
        try:
            with limited(PATIENCE):
                rows = model._default_manager.filter(correlation_id=asked).order_by()
                keys.update(rows.values_list("subject", flat=True)[: 20 * MOST])
        except OperationalError:  # it took too long
            continue
    return sorted(keys - {""})[:MOST]
