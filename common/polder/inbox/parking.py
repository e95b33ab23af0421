"""Parking: what cannot be applied is put aside, whole, with the reason. `redrive` applies it
again.
"""

from __future__ import annotations

import logging
from typing import Any

from django.db import connection

from polder.contracts.decode import Unreadable
from polder.contracts.event import Event
from polder.contracts.trace_context import TraceContext
from polder.errors.text import storable
from polder.inbox import ledger
from polder.inbox.delivery import Delivery
from polder.inbox.failed_message import Failed
from polder.inbox.said import said_by

log = logging.getLogger(__name__)

# It stays discarded when people have said so, and redriven when its event was applied and only its
# message cannot be read.
_PARK = """
WITH before AS (SELECT state FROM polder_inbox_parkedevent WHERE queue = %(queue)s
    AND body_hash = %(body_hash)s)
INSERT INTO polder_inbox_parkedevent AS parked (queue, body_hash, body, reason, error, traceback,
    event_id, type, subject, correlation_id,
    state, times_seen, first_seen_at, last_seen_at)
VALUES (%(queue)s, %(body_hash)s, %(body)s, %(reason)s, %(error)s, %(traceback)s, %(event_id)s,
    %(type)s, %(subject)s, %(correlation_id)s,
    'parked', 1, clock_timestamp(), clock_timestamp())
ON CONFLICT (queue, body_hash) DO UPDATE SET times_seen = parked.times_seen + 1,
    last_seen_at = clock_timestamp(), reason = excluded.reason,
    error = excluded.error, traceback = excluded.traceback, event_id = coalesce(excluded.event_id,
        parked.event_id),
    type = coalesce(nullif(excluded.type, ''), parked.type),
        subject = coalesce(nullif(excluded.subject, ''), parked.subject),
    correlation_id = coalesce(excluded.correlation_id, parked.correlation_id),
    state = CASE WHEN parked.state = 'redriven' AND %(failed)s THEN 'parked' ELSE parked.state END
RETURNING xmax = 0 OR (SELECT state = 'redriven' FROM before) AND %(failed)s
"""


def park_unreadable(delivery: Delivery, why: Unreadable, event: Event | None = None) -> bool:
    """Puts aside what is no event for us; whether it was not there yet. Arriving again it is
    counted, not kept twice."""
    return _park(
        delivery,
        reason=why.reason,
        error=str(why),
        **(_facts(event) if event else said_by(delivery.body)),
    )


def was_read_before(delivery: Delivery) -> bool:
    """Whether this very message was an event that is done, though it cannot be read (any more):
    older code runs here now."""
    event_id = said_by(delivery.body).get("event_id")
    return event_id is not None and ledger.has_done(event_id, delivery)


def park_failed(one: Failed) -> bool:
    """Puts aside an event that could not be applied, in the transaction that records it as parked
    in the ledger.

    Whether it was not parked yet.
    """
    facts = _facts(one.event) if one.event else {}
    return _park(
        one.delivery,
        reason=one.reason,
        error=one.error,
        error_traceback=one.traceback,
        failed=True,
        **facts,
    )


def park_poison(delivery: Delivery, attempts: int) -> bool:
    """Puts aside a message whose process was lost each time that it was applied alone."""
    return _park(
        delivery,
        reason="kills-its-process",
        error=f"its process was lost or timed out {attempts} times while it was applied alone",
    )


def _facts(event: Event) -> dict[str, Any]:
    trace = TraceContext.read(event.traceparent)
    return {
        "event_id": event.id,
        "type": event.type,
        "subject": event.subject,
        "correlation_id": event.correlationid,
        "trace_id": trace.trace_id if trace else None,
    }


def _park(
    delivery: Delivery,
    *,
    reason: str,
    error: str,
    error_traceback: str = "",
    failed: bool = False,
    **facts: Any,
) -> bool:
    values = {"event_id": None, "type": "", "subject": "", "correlation_id": None} | facts
    values |= {
        "queue": delivery.queue,
        "body_hash": delivery.body_hash,
        "body": delivery.body,
        "reason": reason,
    }
    values |= {
        "error": storable(error)[:5_000],
        "traceback": storable(error_traceback),
        "failed": failed,
    }
    with connection.cursor() as cursor:
        cursor.execute(_PARK, values)
        is_new = bool(cursor.fetchone()[0])
    if is_new:
        about = {name: value for name, value in facts.items() if name != "type"}
        log.warning("a message in %s is parked: %s", delivery.queue, reason, extra=about)
    return is_new
