"""Parking: what cannot be applied is put aside, whole, with the reason. `redrive` applies it again."""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.utils import timezone

from common.contracts.decode import Unreadable
from common.contracts.event import Event
from common.inbox.delivery import Delivery
from common.inbox.failed import Failed
from common.inbox.models import ParkedEvent

_PARK = """
INSERT INTO inbox_parkedevent AS parked (queue, body_hash, body, reason, error, traceback, event_id, type, subject, correlation_id,
    state, times_seen, first_seen_at, last_seen_at)
VALUES (%(queue)s, %(body_hash)s, %(body)s, %(reason)s, %(error)s, %(traceback)s, %(event_id)s, %(type)s, %(subject)s, %(correlation_id)s,
    'parked', 1, now(), now())
ON CONFLICT (queue, body_hash) DO UPDATE SET times_seen = parked.times_seen + 1, last_seen_at = now(), reason = excluded.reason,
    error = excluded.error, traceback = excluded.traceback, event_id = coalesce(excluded.event_id, parked.event_id),
    type = coalesce(nullif(excluded.type, ''), parked.type), subject = coalesce(nullif(excluded.subject, ''), parked.subject),
    correlation_id = coalesce(excluded.correlation_id, parked.correlation_id),
    state = 'parked'
"""


def park_unreadable(delivery: Delivery, why: Unreadable) -> None:
    """Puts aside what is no event. Arriving again it is counted, not kept twice."""
    _park(delivery, reason=why.reason, error=str(why))


def park_failed(one: Failed) -> None:
    """Puts aside an event that could not be applied, in the transaction that records it as parked in the ledger."""
    facts = _facts(one.event) if one.event else {}
    _park(one.delivery, reason=one.reason, error=one.error, error_traceback=one.traceback, **facts)


def park_killer(delivery: Delivery, attempts: int) -> None:
    """Puts aside a message whose process was lost each time that it was applied alone."""
    _park(delivery, reason="kills-its-process", error=f"its process was lost or timed out {attempts} times while it was applied alone")


def _facts(event: Event) -> dict[str, Any]:
    return {"event_id": event.id, "type": event.type, "subject": event.subject, "correlation_id": event.correlationid}


def _park(delivery: Delivery, *, reason: str, error: str, error_traceback: str = "", **facts: Any) -> None:
    values = {"event_id": None, "type": "", "subject": "", "correlation_id": None} | facts
    values |= {"queue": delivery.queue, "body_hash": delivery.body_hash, "body": delivery.body, "reason": reason}
    values |= {"error": _storable(error)[:5_000], "traceback": _storable(error_traceback)}
    with connection.cursor() as cursor:
        cursor.execute(_PARK, values)


def _storable(text: str) -> str:
    """PostgreSQL's text takes no NUL and no lone surrogate, and the message that failed may have put one into its error."""
    return text.replace("\x00", "\\0").encode(errors="backslashreplace").decode()


def mark_redriven(parked: ParkedEvent) -> None:
    parked.state = "redriven"
    parked.last_seen_at = timezone.now()
    parked.save(update_fields=["state", "last_seen_at"])
