"""`GET /ops/applied/{eventId}?wait=5`: read your own writes. Whoever has been told an event's id
asks a subscriber when it has it."""

from __future__ import annotations

import time
from threading import BoundedSemaphore
from typing import Any
from uuid import UUID

from pydantic import Field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from polder.api.documented import documented
from polder.api.problems import Problem
from polder.api.query import WholeNumber
from polder.api.responses import ResponseSerializer
from polder.api.view import ApiView
from polder.contracts.event import Value
from polder.contracts.types import Timestamp
from polder.inbox.models import LedgerEntry, Outcome

LONGEST_WAIT = 10  # seconds
FIRST_PAUSE, LONGEST_PAUSE = 0.005, 0.1
_waiting = BoundedSemaphore(4)  # of a web process's eight threads


class AppliedOut(Value):
    """What became of an event here."""

    event_id: UUID
    applied: bool = Field(
        description="False when it was parked: what it tells is not in the replicas."
    )
    outcome: Outcome = Field(json_schema_extra={"enum": [*Outcome.values]})
    publisher: str
    received_at: Timestamp
    applied_at: Timestamp


class AppliedSerializer(ResponseSerializer):
    shape = AppliedOut

    def build(self, entry: LedgerEntry) -> AppliedOut:
        return AppliedOut(
            event_id=entry.pk,
            applied=entry.outcome != Outcome.PARKED,
            outcome=Outcome(entry.outcome),
            publisher=entry.publisher,
            received_at=entry.received_at,
            applied_at=entry.applied_at,
        )


class WaitIn(serializers.Serializer[Any]):
    wait = WholeNumber(
        min_value=0, max_value=LONGEST_WAIT, default=0, help_text="How many seconds to wait for it."
    )


class Applied(ApiView):
    shows = (LedgerEntry,)

    @documented(AppliedSerializer, query=WaitIn, problems=["not-applied"])
    def get(self, request: Request, event_id: UUID) -> Response:
        """Whether this service has processed an event; with `wait`, answers as soon as it has.

        Four requests at a time may wait, any further one is answered at once. 404 `not-applied` is
        no failure: ask again.
        """
        asked = WaitIn(data=request.query_params)
        asked.is_valid(raise_exception=True)
        if event_id.version != 7:
            raise serializers.ValidationError(
                {"eventId": ["An event's id is a UUID of version 7."]}
            )
        entry = _entry_within(event_id, asked.validated_data["wait"])
        if entry is None:
            detail = (
                f"Event {event_id} was not processed here yet; ask again, or wait for it with "
                "?wait=5."
            )
            raise Problem("not-applied", detail, eventId=str(event_id), applied=False)
        return self.answer(entry)


def _entry_within(event_id: UUID, seconds: int) -> LedgerEntry | None:
    """Looks again and again, more and more seldom. Each look is a transaction of its own, over
    before the pause."""
    entry = _entry(event_id)
    if entry is not None or not seconds or not _waiting.acquire(blocking=False):
        return entry
    try:
        deadline, pause = time.monotonic() + seconds, FIRST_PAUSE
        while entry is None and (left := deadline - time.monotonic()) > 0:
            time.sleep(min(pause, left))
            pause = min(pause * 1.5, LONGEST_PAUSE)
            entry = _entry(event_id)
        return entry
    finally:
        _waiting.release()


def _entry(event_id: UUID) -> LedgerEntry | None:
    return LedgerEntry.objects.filter(pk=event_id).first()
