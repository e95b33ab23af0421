"""What operators did. To be read only."""

from __future__ import annotations

from django.apps import apps
from django.contrib import admin
from django.contrib.admin.utils import quote
from django.db.models import Model
from django.urls import NoReverseMatch, reverse

from polder.admin.models import OperatorAction
from polder.admin.read_only import ReadOnlyAdmin, with_pretty_json
from polder.admin.templatetags.polder_admin import id_link


class Actions(ReadOnlyAdmin):
    @admin.display(description="key")
    def thing(self, action: Model) -> str:
        """Leads to what it was done to."""
        assert isinstance(action, OperatorAction)
        try:
            meta = apps.get_model(action.target)._meta
            name = f"admin:{meta.app_label}_{meta.model_name}_change"
            return id_link(action.key, reverse(name, args=[quote(action.key)]))
        except (LookupError, ValueError, NoReverseMatch):
            return action.key


options = {
    "list_display": ("at", "operator", "action", "target", "thing", "reason", "done"),
    "fields": (
        *("at", "operator", "action", "target", "thing", "reason", "done", "error", "form"),
        *("pretty_asked", "pretty_before", "pretty_after"),
    ),
    "readonly_fields": ("thing",),
    "search_fields": ("=key", "=operator"),
    "search_help_text": "The key of what it was done to, or the operator's name.",
    "list_filter": ("done",),
}
admin.site.register(OperatorAction, with_pretty_json(Actions, OperatorAction, **options))
