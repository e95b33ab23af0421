"""Which keys an id belongs to: that of an event, or of a request and what it led to."""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

from django.db import OperationalError

from polder.inbox.models import LedgerEntry, ParkedEvent
from polder.observability.measures import limited
from polder.observability.timeline.part import ledger_rows
from polder.observability.timeline.rows import as_uuid
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
        subject = model._base_manager.filter(**{name: asked}).values_list("subject", flat=True)
        if key := next(iter(subject[:1]), ""):
            return [Found(key, asked)]
    return [Found(key, None) for key in _of_request(asked)]


def in_ledger(text: str) -> list[UUID]:
    """The newest rows of the ledger of that event, subject or request, each in bounded time: of
    what is everywhere those among the newest."""
    if uuid := as_uuid(text.strip()):
        found = ledger_rows("id", "subject", str(uuid))[0]
        found += ledger_rows("id", "correlation_id", uuid)[0]
        return [uuid, *(one for (one,) in found)]
    # a key may begin or end with a space, and who copies one may add some
    texts = sorted({text, text.strip()})
    return [one for each in texts for (one,) in ledger_rows("id", "subject", each)[0]]


def _of_request(asked: UUID) -> list[str]:
    keys: set[str] = set()
    for model in (OutboxEvent, LedgerEntry, ParkedEvent):
        try:
            with limited(PATIENCE):
                rows = model._base_manager.filter(correlation_id=asked).order_by()
                keys.update(rows.values_list("subject", flat=True)[: 20 * MOST])
        except OperationalError:  # it took too long
            continue
    return sorted(keys - {""})[:MOST]
