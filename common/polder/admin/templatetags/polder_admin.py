"""What templates of the admin need: ids that lead on, times that people read; and Unfold's title of
a page, with links that lead to the page's own row whatever its key is made of.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django import template
from django.contrib.admin.utils import quote
from django.db.models import Model
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.http import urlencode
from unfold.templatetags import unfold
from unfold.widgets import INPUT_CLASSES

from polder.span import span

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


@register.simple_tag
def find_input(name: str, key: str = "") -> str:
    """The field that finds an order, a product, an event or a request by its id."""
    return format_html(
        '<input type="search" id="{}" name="key" value="{}" maxlength="64" aria-label="Find by id" '
        'placeholder="Order, product, event, request" class="{}">',
        name,
        key,
        f"{' '.join(INPUT_CLASSES)} w-full",
    )


@register.simple_tag
def ago(moment: datetime | None) -> str:
    """How long ago, or in how long, with the exact moment on hover."""
    if moment is None:
        return ""
    exact, here = moment.astimezone(UTC), timezone.localtime(moment)
    since = timezone.now() - moment
    told = f"{span(since)} ago" if since >= timedelta(0) else f"in {span(-since)}"
    return format_html(
        '<time datetime="{}" title="{} {}" class="whitespace-nowrap">{}</time>',
        exact.isoformat(),
        f"{here:%Y-%m-%d %H:%M:%S.%f}"[:-3],
        here.tzname(),
        told,
    )


def short(text: str) -> str:
    """The end of a long id: UUIDv7s of one time begin alike."""
    return f"…{text[-8:]}" if len(text) > 20 else text


def shortened(key: object) -> str:
    """With the whole of it on hover."""
    return format_html('<span title="{}">{}</span>', key, short(str(key)))


@register.simple_tag
def id_link(key: object, href: str = "", *, whole: bool = False) -> str:
    """An id, shortened where it is long unless it is to be shown `whole`, that leads to its
    timeline or where `href` says; a button copies it."""
    text = str(key)
    shown = text if whole else short(text)
    link = href or f"{reverse('admin-timeline')}?{urlencode({'key': text})}"
    return format_html(
        '<span class="whitespace-nowrap"><a class="polder-link polder-mono" href="{}" title="{}">{}'
        '</a><button type="button" class="polder-copy" data-copy="{}" aria-label="Copy {}" '
        'title="Copy"><span class="material-symbols-outlined" aria-hidden="true">'
        "content_copy</span>"
        "</button></span>",
        link,
        text,
        shown,
        text,
        text,
    )
