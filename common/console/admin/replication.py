"""Copies of what others decided, and what was found to be wrong with them."""

from __future__ import annotations

from django.apps import apps
from django.contrib import admin

from common.console.read_only import ReadOnlyAdmin, with_pretty_json
from common.replication.models import Drift
from common.replication.replica import Replica

for model in apps.get_models():
    if issubclass(model, Replica):
        options = {"search_fields": ("=key",), "search_help_text": "The key: an order's or a product's id."}
        admin.site.register(model, with_pretty_json(ReadOnlyAdmin, model, **options))


@admin.register(Drift)
class DriftAdmin(ReadOnlyAdmin):
    list_display = ("aggregate", "key", "version", "found_at", "repaired_at", "event_id")
    search_fields = ("=key", "=event_id")
    search_help_text = "The key of the aggregate, or the id of the event."
