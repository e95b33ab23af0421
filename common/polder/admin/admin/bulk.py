"""What operators have asked for of many parked messages, and how far it is."""

from __future__ import annotations

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html

from polder.admin.many import MANY
from polder.admin.operations import OperatedAdmin, Operation
from polder.inbox import bulk
from polder.inbox.models import BulkOperation, BulkState

PERMISSION = {action: MANY[action].permission for action in BulkOperation.Action.values}


@admin.register(BulkOperation)
class BulkOperationAdmin(OperatedAdmin):
    """Begun on the page of parked events by cause."""

    list_display = (
        *("id", "action", "told", "state", "done", "total", "shown_rate", "operator", "reason"),
        *("created_at", "ended_at"),
    )
    fields = (
        *("action", "told", "state", "done", "total", "shown_rate", "shown_outcomes", "trouble"),
        *("operator", "reason", "created_at", "progressed_at", "ended_at", "tried"),
    )
    readonly_fields = ("told", "shown_rate", "shown_outcomes", "tried")
    operations = (
        Operation(
            name="pause",
            label="Pause",
            explains="The batch under way is ended, and no other begun.",
            run=lambda one, asked: bulk.pause(one.pk),
            permission=PERMISSION,
            errors=(bulk.NotPossible,),
            applies=lambda one: one.state == BulkState.RUNNING,
            icon="pause",
        ),
        Operation(
            name="resume",
            label="Resume",
            explains="It goes on where it was paused.",
            run=lambda one, asked: bulk.resume(one.pk),
            permission=PERMISSION,
            errors=(bulk.NotPossible,),
            applies=lambda one: one.state == BulkState.PAUSED,
            icon="resume",
        ),
        Operation(
            name="cancel",
            label="Cancel",
            explains="It ends. What was done stays done, and the rest stays parked.",
            run=lambda one, asked: bulk.cancel(one.pk),
            permission=PERMISSION,
            errors=(bulk.NotPossible,),
            applies=lambda one: not one.is_over,
            icon="stop",
        ),
    )

    @admin.display(description="messages per second")
    def shown_rate(self, one: BulkOperation) -> str:
        return f"{one.rate:,.0f}" if one.rate else ""

    @admin.display(description="outcomes")
    def shown_outcomes(self, one: BulkOperation) -> str:
        return ", ".join(f"{outcome}: {number}" for outcome, number in one.outcomes.items())

    @admin.display(description="those that it tried")
    def tried(self, one: BulkOperation) -> str:
        address = f"{reverse('admin:polder_inbox_parkedevent_changelist')}?bulk={one.pk}"
        return format_html('<a class="polder-link" href="{}">Parked events</a>', address)
