"""Unfold's title of a page, with links that lead to the page's own row whatever its key is made
of.
"""

from __future__ import annotations

from typing import Any

from django import template
from django.contrib.admin.utils import quote
from django.db.models import Model
from unfold.templatetags import unfold

register = template.Library()


class _Quoted:
    """A row whose key is fit for the admin's addresses; Unfold puts it there as it is."""

    def __init__(self, row: Model) -> None:
        self._meta, self.pk, self._shown = row._meta, quote(row.pk), str(row)

    def __str__(self) -> str:
        return self._shown


@register.simple_tag(takes_context=True)
def header_title(context: Any) -> str:
    rows = {
        name: _Quoted(context[name])
        for name in ("original", "object")
        if isinstance(context.get(name), Model)
    }
    with context.push(**rows):
        return str(unfold.header_title(context))
