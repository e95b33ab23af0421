"""The outbox: what was published, what was not, and what is held."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.db.models.functions import Now

from polder import this_service
from polder.admin.filters import choices_filter, is_set_filter
from polder.admin.operations import OperatedAdmin, Operation
from polder.admin.read_only import ReadOnlyAdmin, pretty_json
from polder.contracts.event import Event
from polder.domain.aggregate import aggregates
from polder.outbox import fence
from polder.outbox.models import Fenced, OutboxEvent, Subscriber


class NotHeld(ValueError):
    """The event is not held; somebody else was quicker."""


def own_types() -> Iterable[str]:
    return sorted(name for service, name in Event.known if service == this_service.name())


def release(event: OutboxEvent, asked: Mapping[str, Any]) -> None:
    held = OutboxEvent.objects.filter(pk=event.pk).exclude(held_at=None)
    if not held.update(held_at=None, retry_at=Now(), attempts=0, error=""):
        raise NotHeld("it is not held")


@admin.register(OutboxEvent)
class OutboxEventAdmin(OperatedAdmin):
    list_display = (
        "id",
        "type",
        "subject",
        "version",
        "created_at",
        "published_at",
        "held_at",
        "attempts",
    )
    list_filter = (
        is_set_filter("published_at", "published"),
        is_set_filter("held_at", "held"),
        choices_filter("type", own_types),
    )
    search_fields = ("=id", "=subject", "=correlation_id")
    search_help_text = (
        "The id of an event, of its subject (an order, a product), or of the "
        "request that caused "
        "it."
    )
    fields = (
        "id",
        "type",
        "subject",
        "version",
        "correlation_id",
        "created_at",
        "published_at",
        "held_at",
        "attempts",
        "error",
        "message",
    )
    readonly_fields = ("message",)
    operations = (
        Operation(
            name="release",
            label="Release",
            explains="The relay tries to publish these events again, with fresh attempts. Only "
            "held ones can be released.",
            run=release,
            permission="polder_outbox.release_outboxevent",
            errors=(NotHeld,),
            applies=lambda event: event.held_at is not None,
            icon="replay",
        ),
    )

    def message(self, event: Model) -> str:
        assert isinstance(event, OutboxEvent)
        return pretty_json(event.body)


class NotFenced(ValueError):
    """The fence is gone; somebody else was quicker, or our version has passed what was reported."""


def accept(fenced: Fenced, asked: Mapping[str, Any]) -> None:
    rows = Fenced.objects.filter(pk=fenced.pk)
    if not fence.accept(rows, by="an operator, see Operator actions", reason=str(asked["reason"])):
        raise NotFenced("it is not fenced any more")


@admin.register(Fenced)
class FencedAdmin(OperatedAdmin):
    list_display = (
        "aggregate",
        "key",
        "known_version",
        "reported_by",
        "is_forgotten",
        "since",
        "lifted_at",
        "lifted_by",
    )
    list_filter = (
        is_set_filter("lifted_at", "lifted"),
        choices_filter("aggregate", lambda: sorted(aggregates())),
    )
    search_fields = ("=key", "=known_event_id")
    search_help_text = "The key of an aggregate, or the id of the event that another service knows."
    operations = (
        Operation(
            name="accept",
            label="Accept what we have",
            explains="The fence goes: this service acts on these again as if nobody knew anything "
            "newer. What it has forgotten is lost, and "
            "may happen a second time. Find out first what became of each, at the services that "
            "know them.",
            run=accept,
            permission="polder_outbox.accept_fenced",
            errors=(NotFenced,),
            applies=lambda fenced: fenced.lifted_at is None,
            icon="lock_open",
        ),
    )


@admin.register(Subscriber)
class SubscriberAdmin(ReadOnlyAdmin):
    list_display = ("name", "answered_at", "confirmed_until")
