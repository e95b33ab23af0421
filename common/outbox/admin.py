"""The outbox in the admin: what was published, what was not, and what is held."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from common.outbox.models import OutboxEvent
from common.read_only_admin import ReadOnlyAdmin, pretty_json


@admin.register(OutboxEvent)
class OutboxEventAdmin(ReadOnlyAdmin):
    list_display = ("id", "type", "subject", "version", "created_at", "published_at", "held_at", "attempts")
    list_filter = (("published_at", admin.EmptyFieldListFilter), ("held_at", admin.EmptyFieldListFilter), "type")
    search_fields = ("=id", "=subject", "=correlation_id")
    fields = ("id", "type", "subject", "version", "correlation_id", "created_at", "published_at", "held_at", "attempts", "error", "message")
    readonly_fields = ("message",)
    actions = ("release",)

    def message(self, event: OutboxEvent) -> str:
        return pretty_json(event.body)

    def has_release_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("outbox.change_outboxevent")

    @admin.action(description="Release held events, so that the relay tries them again", permissions=["release"])
    def release(self, request: HttpRequest, events: QuerySet[OutboxEvent]) -> None:
        released = events.exclude(held_at=None).update(held_at=None, retry_at=None, attempts=0, error="")
        self.message_user(request, f"{released} released.", messages.SUCCESS)
