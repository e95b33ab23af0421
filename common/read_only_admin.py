"""The admin of what people may look at and only the machinery may write."""

from __future__ import annotations

import json
from functools import cached_property
from typing import Any

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import Model
from django.http import HttpRequest
from django.utils.html import format_html

COUNTED_AT_MOST = 10_000


class BoundedPaginator(Paginator):  # type: ignore[type-arg]
    """Counts no further than 10,000: nobody turns that many pages, and counting a whole ledger takes minutes."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(rows[: COUNTED_AT_MOST + 1].count())


class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Lists, searches and shows; adds, changes and deletes nothing."""

    paginator = BoundedPaginator
    show_full_result_count = False
    list_per_page = 50

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


def pretty_json(text: str | bytes) -> str:
    """Indented, in a block of its own; what is no JSON as it is."""
    try:
        shown = json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except ValueError:
        shown = text.decode(errors="backslashreplace") if isinstance(text, bytes) else text
    return format_html("<pre>{}</pre>", shown[:50_000])


def register_read_only(*models: type[Model], **options: Any) -> None:
    """Registers models whose lists need nothing special."""
    for model in models:
        columns = [field.name for field in model._meta.concrete_fields if field.get_internal_type() != "JSONField"]
        admin.site.register(model, type(f"{model.__name__}Admin", (ReadOnlyAdmin,), {"list_display": columns, **options}))
