"""What operators did. To be read only."""

from __future__ import annotations

from django.contrib import admin

from polder.admin.models import OperatorAction
from polder.admin.read_only import ReadOnlyAdmin, with_pretty_json

COLUMNS = ("at", "operator", "action", "target", "key", "reason", "done")
options = {
    "list_display": COLUMNS,
    "search_fields": ("=key", "=operator"),
    "search_help_text": "The key of what it was done to, or the operator's name.",
    "list_filter": ("done",),
}
admin.site.register(OperatorAction, with_pretty_json(ReadOnlyAdmin, OperatorAction, **options))
