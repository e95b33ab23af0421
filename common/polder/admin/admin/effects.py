"""Effects: what is on its way to somebody outside, seen and repeated."""

from __future__ import annotations

from django.contrib import admin

from polder.admin.filters import choices_filter
from polder.admin.operations import OperatedAdmin, Operation
from polder.admin.read_only import with_pretty_json
from polder.admin.templatetags.polder_admin import ago
from polder.effects.deciding import NotWaiting, repeat, skip
from polder.effects.declared import effects
from polder.effects.models import Intent, IntentState

OPEN = (IntentState.WAITING, IntentState.FAILED)


class IntentOperations(OperatedAdmin):
    list_filter = ("state", choices_filter("effect", lambda: sorted(effects)))
    search_fields = ("=key", "=subject", "=event_id")
    search_help_text = "A key, the id of an event, or of its subject (an order, a product)."
    operations = (
        Operation(
            name="repeat",
            label="Repeat",
            explains="They are carried out within seconds, also those that were done before, with "
            "the same key and body: who has had one may get it again.",
            run=lambda intent, asked: repeat(intent),
            permission="polder_effects.repeat_intent",
            errors=(),
            icon="replay",
        ),
        Operation(
            name="skip",
            label="Skip",
            explains="Nobody carries them out, and the reason is kept. The rows stay for a while.",
            run=lambda intent, asked: skip(intent, asked["reason"]),
            permission="polder_effects.skip_intent",
            errors=(NotWaiting,),
            applies=lambda intent: intent.state in OPEN,
            icon="block",
        ),
    )


@admin.display(description="due", empty_value="")
def due(intent: Intent) -> str | None:
    """Of one that waits; what is done has no use for it."""
    return ago(intent.due_at) if intent.state == IntentState.WAITING else None


COLUMNS = ("effect", "key", "state", "attempts", "error", "created_at", due, "done_at")
admin.site.register(Intent, with_pretty_json(IntentOperations, Intent, list_display=COLUMNS))
