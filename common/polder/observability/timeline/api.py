"""`GET /ops/timeline/{key}`: this service's part of a timeline, for the services that put the
parts together."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from polder.api.documented import documented
from polder.api.models import Scope
from polder.api.problems import Problem
from polder.api.responses import ResponseSerializer
from polder.api.view import ApiView
from polder.inbox.models import LedgerEntry, ParkedEvent
from polder.observability.timeline.part import part_of
from polder.observability.timeline.shapes import Part
from polder.outbox.models import OutboxEvent


class PartSerializer(ResponseSerializer):
    shape = Part

    def build(self, part: Part) -> Part:
        return part


class TimelinePart(ApiView):
    scope = Scope.OPS
    shows = (OutboxEvent, LedgerEntry, ParkedEvent)

    @documented(PartSerializer)
    def get(self, request: Request, key: str) -> Response:
        """What this service knows of an order, a product or any other key: its rows, its events,
        what it received, what is parked, its effects and what it waits for.

        404 when it has never heard of the key; `keeps` and `knownSince` stand in it, too.
        """
        part = part_of(key)
        if part.is_empty:
            told = part.model_dump(mode="json", by_alias=True, include={"keeps", "known_since"})
            raise Problem("not-found", f"Nothing is known here of {key}.", **told)
        return self.answer(part)
