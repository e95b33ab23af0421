"""The outbox: what was published, what was not, and what is held."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.contrib import admin
from django.db.models import Model

from common import this_service
from common.console.filters import choices_filter, is_set_filter
from common.console.operations import OperatedAdmin, Operation
from common.console.read_only import pretty_json
from common.contracts.event import Event
from common.outbox.models import OutboxEvent


class NotHeld(ValueError):
    """The event is not held; somebody else was quicker."""


def own_types() -> Iterable[str]:
    return sorted(name for service, name in Event.known if service == this_service.name())


def release(event: OutboxEvent, asked: Mapping[str, Any]) -> None:
    held = OutboxEvent.objects.filter(pk=event.pk).exclude(held_at=None)
    if not held.update(held_at=None, retry_at=None, attempts=0, error=""):
        raise NotHeld("it is not held")


@admin.register(OutboxEvent)
class OutboxEventAdmin(OperatedAdmin):
    list_display = ("id", "type", "subject", "version", "created_at", "published_at", "held_at", "attempts")
    list_filter = (is_set_filter("published_at", "published"), is_set_filter("held_at", "held"), choices_filter("type", own_types))
    search_fields = ("=id", "=subject", "=correlation_id")
    search_help_text = "The id of an event, of its subject (an order, a product), or of the request that caused it."
    fields = ("id", "type", "subject", "version", "correlation_id", "created_at", "published_at", "held_at", "attempts", "error", "message")
    readonly_fields = ("message",)
    operations = (
        Operation(
            name="release",
            label="Release",
            explains="The relay tries to publish these events again, with fresh attempts. Only held ones can be released.",
            run=release,
            permission="outbox.release_outboxevent",
            errors=(NotHeld,),
            applies=lambda event: event.held_at is not None,
            icon="replay",
        ),
    )

    def message(self, event: Model) -> str:
        assert isinstance(event, OutboxEvent)
        return pretty_json(event.body)
