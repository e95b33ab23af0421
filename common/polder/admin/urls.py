"""Addresses of the admin: Django's, and pages of more than one model."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.core.paginator import InvalidPage
from django.http import Http404, HttpResponse
from django.urls import URLPattern, URLResolver, include, path
from django.views.decorators.http import require_http_methods

from polder.admin.board import act, board, live
from polder.admin.parked import many, parked
from polder.admin.rolled_back import told_or_again
from polder.admin.runbooks import runbooks
from polder.admin.timeline import timeline
from polder.admin.visibly import visibly
from polder.api.content_policy import of_unfold

admin.autodiscover()  # its pages, unless they were found when the process started


def _answering(
    methods: list[str], patterns: list[URLPattern | URLResolver]
) -> list[URLPattern | URLResolver]:
    """Django's own pages answer any method as if it were GET; these any other with 405."""
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            _answering(methods, pattern.url_patterns)
        else:
            view = pattern.callback
            view = _of_a_key(view) if pattern.name == "view_on_site" else view
            pattern.callback = require_http_methods(methods)(_shown(view))
    return patterns


def _of_a_key(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Django's own page that leads out of the admin fails for what is no key of the model."""
    return _not_there(view, ValidationError)


def _not_there(
    view: Callable[..., HttpResponse], *errors: type[Exception]
) -> Callable[..., HttpResponse]:
    """What others' pages raise for what is not there."""

    @wraps(view)
    def answer(*args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(*args, **kwargs)
        except errors:
            raise Http404 from None

    return answer


def _shown(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    return of_unfold(visibly(_not_there(told_or_again(view), InvalidPage)))


def _page(address: str, view: Callable[..., HttpResponse], name: str) -> URLPattern:
    return path(address, _shown(admin.site.admin_view(view)), name=name)


_pages = [
    _page("runbooks/", runbooks, "admin-runbooks"),
    _page("timeline/", timeline, "admin-timeline"),
    _page("parked/", parked, "admin-parked"),
    _page("parked/all/", many, "admin-many"),
]
_board = [
    _page("", board, "board"),
    _page("live", live, "board-live"),
    _page("do", act, "board-do"),
]
_own, _name, _namespace = admin.site.urls
_own = _answering(["GET", "HEAD", "POST"], _own)
admin_urls: list[URLPattern | URLResolver] = [
    path("ops/board/", include(_board)),
    path("admin/", include(_pages)),
    path("admin/", (_own, _name, _namespace)),
]
