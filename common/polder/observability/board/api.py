"""`GET /ops/standing`: this service's part of the board, for the services that put the parts
together."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from polder.api.documented import documented
from polder.api.models import Scope
from polder.api.responses import ResponseSerializer
from polder.api.view import ApiView
from polder.inbox.models import LedgerEntry, ParkedEvent
from polder.observability.board.part import board_part
from polder.observability.board.shapes import BoardPart
from polder.outbox.models import OutboxEvent
from polder.replication.models import Drift


def an_hour_ago() -> datetime:
    return timezone.now() - timedelta(hours=1)


class BoardPartSerializer(ResponseSerializer):
    shape = BoardPart

    def build(self, part: BoardPart) -> BoardPart:
        return part


class SinceIn(serializers.Serializer[Any]):
    since = serializers.DateTimeField(
        default=an_hour_ago, help_text="Counts are of events since then; of the last hour, if not."
    )


class Standing(ApiView):
    scope = Scope.OPS
    shows = (OutboxEvent, LedgerEntry, ParkedEvent, Drift)

    @documented(BoardPartSerializer, query=SinceIn)
    def get(self, request: Request) -> Response:
        """How this service stands: what it has yet to publish, what became of each publisher's
        events, what is parked and what is wrong."""
        asked = SinceIn(data=request.query_params)
        asked.is_valid(raise_exception=True)
        return self.answer(board_part(asked.validated_data["since"]))
