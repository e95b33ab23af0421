"""How lists show what people read there: ids short, leading to their timeline and to be copied; how
long ago; states as badges."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.utils.html import format_html

from polder.admin.templatetags.polder_admin import ago, id_link, shortened
from polder.domain.aggregate import Aggregate

Column = str | Callable[[Any], object]
KEYS = ("subject", "key", "event_id", "correlation_id")
OF_NO_TIMELINE = ("form", "request_id")
STATES = ("status", "state", "outcome", "kind")
LABEL = "inline-block font-semibold h-6 leading-6 px-2 rounded-default text-[11px] uppercase "
COLOURS = {
    "success": "bg-green-100 text-green-700 dark:bg-green-500/20 dark:text-green-400",
    "danger": "bg-red-100 text-red-700 dark:bg-red-500/20 dark:text-red-400",
    "warning": "bg-orange-100 text-orange-700 dark:bg-orange-500/20 dark:text-orange-400",
    "info": "bg-blue-100 text-blue-700 dark:bg-blue-500/20 dark:text-blue-400",
    "": "bg-base-500/8 text-base-700 dark:bg-base-500/20 dark:text-base-200",
}
MEANING = {
    **dict.fromkeys(("applied", "redriven", "complete", "done", "delivered"), "success"),
    **dict.fromkeys(("parked", "conflict", "regressed", "rejected"), "danger"),
    **dict.fromkeys(("discarded", "paused", "cancelled", "cancelling", "released"), "warning"),
    **dict.fromkeys(("stale", "ignored"), ""),
}


def columns(model: type[models.Model], names: Sequence[Column]) -> list[Column]:
    """As they are declared, each field shown by what it is. The first leads to the row's page."""
    return [_column(model, name, is_first=not place) for place, name in enumerate(names)]


@cache
def linked(model: type[models.Model]) -> dict[str, Column]:
    """The ids on a row's page, by field, each leading to its timeline."""
    return {
        field.name: _shown(field, partial(id_link, whole=True))
        for field in model._meta.concrete_fields
        if field.name in KEYS
        or (isinstance(field, models.UUIDField) and field.name not in OF_NO_TIMELINE)
        or (field.primary_key and issubclass(model, Aggregate) and not field.is_relation)
    }


def label(text: str) -> str:
    """A badge, in the colour of what it means."""
    return format_html(
        '<span class="{}">{}</span>', LABEL + COLOURS[MEANING.get(text, "info")], text
    )


def _column(model: type[models.Model], name: Column, *, is_first: bool) -> Column:
    field = _field(model, name)
    if field is None or not isinstance(name, str):
        return name
    if isinstance(field, models.DateTimeField):
        return _shown(field, ago)
    if is_first:
        return _shown(field, shortened) if isinstance(field, models.UUIDField) else name
    if name in KEYS or isinstance(field, models.UUIDField):
        return _shown(field, id_link)
    return _shown(field, label) if name in STATES else name


def _field(model: type[models.Model], name: Column) -> models.Field[Any, Any] | None:
    try:
        field = model._meta.get_field(name) if isinstance(name, str) else None
    except FieldDoesNotExist:
        return None
    return field if isinstance(field, models.Field) else None


def _shown(field: models.Field[Any, Any], how: Callable[[Any], str]) -> Callable[[Any], object]:
    @admin.display(description=str(field.verbose_name), empty_value="")
    def shown(row: models.Model) -> str | None:
        value = getattr(row, field.attname)
        return how(value) if isinstance(value, UUID) or value else None

    shown.__name__ = field.name
    return shown
