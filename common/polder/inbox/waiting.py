"""Keeping account of what waits, and of why the service is halted: for the next judgement, and for
people.

`waiting_now()` and `halts()` are what /readyz, the metrics and the overview tell.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import DatabaseError, connection, transaction
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now
from pydantic_core import to_json

from polder import this_service
from polder.broker.names import event_queue
from polder.errors.private import without_values
from polder.errors.text import storable
from polder.inbox.delivery import Delivery
from polder.inbox.failed_message import Failed
from polder.inbox.models import (
    DeliveryCount,
    Halt,
    Outcome,
    ParkedEvent,
    ParkedState,
    WaitingEvent,
)
from polder.retention import retention_policy

EVIDENCE_KEPT = timedelta(days=7)
# a consumer that has stopped says so at each of its probes
SILENT = timedelta(minutes=5)

_WAITS = """
INSERT INTO polder_inbox_waitingevent AS waiting
    (queue, body_hash, publisher, type, subject, event_id, fault, signature, error, tries, since,
        last_at, parked_at)
SELECT queue, body_hash, publisher, type, subject, event_id, fault, signature, error, 1,
    clock_timestamp(), clock_timestamp(),
    CASE WHEN %(parked)s THEN clock_timestamp() END
FROM jsonb_to_recordset(%(rows)s::jsonb) AS new(queue text, body_hash text, publisher text,
    type text, subject text, event_id uuid, fault text,
    signature text, error text)
ON CONFLICT (queue, body_hash) DO UPDATE SET tries = waiting.tries + 1, last_at = excluded.last_at,
    fault = excluded.fault,
    since = CASE WHEN waiting.signature = excluded.signature
        THEN least(waiting.since, excluded.since) ELSE excluded.since END,
    signature = excluded.signature, error = excluded.error, parked_at = excluded.parked_at
"""
_APPLIED = """
DELETE FROM polder_inbox_waitingevent
WHERE (queue, body_hash) IN (SELECT * FROM unnest(%s::text[], %s::text[]))
    AND parked_at IS NULL RETURNING signature
"""
_PROCESSED = """
DELETE FROM polder_inbox_waitingevent AS waiting USING polder_ledger AS ledger
WHERE ledger.id = waiting.event_id AND ledger.publisher = waiting.publisher
    AND waiting.parked_at IS NULL
"""
_HALTED = """
INSERT INTO polder_inbox_halt AS halt (signature, reason, since, last_at, tries) VALUES (%s, %s,
    clock_timestamp(), clock_timestamp(), 1)
ON CONFLICT (signature) DO UPDATE SET reason = excluded.reason, last_at = excluded.last_at,
    tries = halt.tries + 1
"""


class Waiting(NamedTuple):
    """Messages that wait for the same reason. `event` and `error` are of the one that waits for
    longest."""

    publisher: str
    fault: str
    signature: str
    number: int
    since: datetime
    event: str
    error: str


def halts() -> list[Halt]:
    """Why nothing is applied, the first reason first; empty when all goes on. What a worker said
    that is gone, and others apply events since, is over."""
    applied = DeliveryCount.objects.filter(outcome=Outcome.APPLIED, last_at__gt=OuterRef("last_at"))
    is_over = Q(last_at__lt=Now() - SILENT) & Exists(applied)
    return list(Halt.objects.exclude(is_over).order_by("since"))


def waiting_now(limit: int = 20) -> list[Waiting]:
    """What waits, by reason, what waits for longest first. Reads no more than 1,000 rows."""
    groups: dict[tuple[str, str, str], list[WaitingEvent]] = {}
    for row in WaitingEvent.objects.filter(parked_at=None).order_by("since")[:1_000]:
        groups.setdefault((row.publisher, row.fault, row.signature), []).append(row)
    return [
        Waiting(
            publisher,
            fault,
            signature,
            len(rows),
            rows[0].since,
            f"{rows[0].type} {rows[0].subject}".strip(),
            rows[0].error,
        )
        for (publisher, fault, signature), rows in list(groups.items())[:limit]
    ]


def waiting_subjects(publisher: str, types: Collection[str]) -> set[str]:
    """Of which aggregates an event of one of these types waits here, or is parked, so that a person
    is to decide about it. As the messages say, which may be no event at all."""
    queue = event_queue(this_service.name(), publisher)
    waiting = WaitingEvent.objects.filter(parked_at=None, publisher=publisher, type__in=types)
    parked = ParkedEvent.objects.filter(state=ParkedState.PARKED, queue=queue, type__in=types)
    return {
        subject for rows in (waiting, parked) for subject in rows.values_list("subject", flat=True)
    }


def note_failures(failures: Sequence[Failed], *, parked: bool) -> None:
    """These failed once more."""
    rows = [
        {
            "queue": one.delivery.queue,
            "body_hash": one.delivery.body_hash,
            "publisher": one.delivery.publisher,
            "type": one.type,
            "subject": one.subject,
            "event_id": one.event.id if one.event else None,
            "fault": one.fault,
            "signature": one.signature,
            "error": storable(one.error)[:1_000],
        }
        for one in {one.key: one for one in failures if one.tried}.values()
    ]
    if rows:
        with connection.cursor() as cursor:
            cursor.execute(
                _WAITS,
                {
                    "rows": to_json(sorted(rows, key=lambda row: str(row["body_hash"]))).decode(),
                    "parked": parked,
                },
            )


def note_applied(deliveries: Sequence[Delivery]) -> set[str]:
    """These wait no more, and why they failed halts nothing any more. Returns the signatures of the
    halts that ended."""
    with connection.cursor() as cursor:
        cursor.execute(
            _APPLIED, [[one.queue for one in deliveries], [one.body_hash for one in deliveries]]
        )
        fixed = {signature for (signature,) in cursor.fetchall()}
    ended = (
        Halt.objects.filter(signature__in=fixed).values_list("signature", flat=True)
        if fixed
        else []
    )
    return _end(set(ended))


def note_halt(signature: str, reason: str, failures: Sequence[Failed] = ()) -> None:
    """The service is halted. As well as can be: the tables for it may be what is missing."""
    with suppress(DatabaseError), transaction.atomic():
        note_failures(failures, parked=False)
        with connection.cursor() as cursor:
            # anybody may read it, in /readyz
            told = storable(without_values(reason))[:5_000]
            cursor.execute(_HALTED, [storable(signature)[:300], told])


def note_alone(one: Failed) -> None:
    """It goes alone, and waits. As well as can be."""
    with suppress(DatabaseError), transaction.atomic():
        note_failures([one], parked=False)


def end_halts() -> set[str]:
    """A first batch was applied: what halted the service as a whole is over. Returns the signatures
    of the halts that ended."""
    waiting = WaitingEvent.objects.filter(signature=OuterRef("signature"), parked_at=None)
    return _end(set(Halt.objects.exclude(Exists(waiting)).values_list("signature", flat=True)))


def _end(signatures: set[str]) -> set[str]:
    if signatures:
        Halt.objects.filter(signature__in=signatures).delete()
    return signatures


def parked_before(signatures: Collection[str]) -> list[int]:
    """The ids of the messages that were parked before it was known that no event was to blame, no
    more than 100."""
    evidence = WaitingEvent.objects.filter(
        signature__in=signatures, parked_at__isnull=False
    ).values_list("body_hash", flat=True)
    parked = ParkedEvent.objects.filter(body_hash__in=evidence, state=ParkedState.PARKED)
    return list(parked.order_by("-pk").values_list("pk", flat=True)[:100])


@retention_policy("why events waited")
def forget_evidence() -> int:
    with connection.cursor() as cursor:
        cursor.execute(_PROCESSED)
    deleted, _ = WaitingEvent.objects.filter(last_at__lt=Now() - EVIDENCE_KEPT).delete()
    return deleted
