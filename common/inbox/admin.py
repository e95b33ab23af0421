"""What was received, in the admin: the ledger, what is parked, and the tally."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from common.inbox.failures import IntakeHalted, TransientFailure
from common.inbox.models import LedgerEntry, ParkedEvent, ParkedState, Tally
from common.inbox.redrive import redrive
from common.read_only_admin import ReadOnlyAdmin, pretty_json, register_read_only


@admin.register(LedgerEntry)
class LedgerEntryAdmin(ReadOnlyAdmin):
    list_display = ("id", "publisher", "type", "subject", "version", "outcome", "occurred_at", "received_at", "applied_at")
    list_filter = ("outcome", "publisher", "type")
    search_fields = ("=id", "=subject", "=correlation_id")


@admin.register(ParkedEvent)
class ParkedEventAdmin(ReadOnlyAdmin):
    list_display = ("id", "queue", "type", "subject", "reason", "state", "times_seen", "first_seen_at", "last_seen_at")
    list_filter = ("state", "reason", "queue", "type")
    search_fields = ("=event_id", "=subject", "=correlation_id")
    fields = ("queue", "state", "reason", "error", "event_id", "type", "subject", "correlation_id", "times_seen", "message", "traceback_text")
    readonly_fields = ("message", "traceback_text")
    actions = ("redrive_selected",)

    def message(self, parked: ParkedEvent) -> str:
        return pretty_json(bytes(parked.body))

    @admin.display(description="Traceback")
    def traceback_text(self, parked: ParkedEvent) -> str:
        return pretty_json(parked.traceback)

    def has_redrive_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("inbox.change_parkedevent")

    @admin.action(description="Redrive: apply the selected messages once more", permissions=["redrive"])
    def redrive_selected(self, request: HttpRequest, selected: QuerySet[ParkedEvent]) -> None:
        keys = list(selected.order_by("pk").values_list("pk", flat=True))
        states: list[ParkedState] = []
        try:
            for key in keys:
                states.append(redrive(key))
        except (TransientFailure, IntakeHalted) as error:
            self.message_user(request, f"Stopped: {error}", messages.ERROR)
        done = states.count(ParkedState.REDRIVEN)
        self.message_user(request, f"{done} of {len(keys)} redriven.", messages.SUCCESS if done == len(keys) else messages.WARNING)


register_read_only(Tally)
