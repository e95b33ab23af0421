"""What every service answers beside its own API."""

from __future__ import annotations

from django.apps import apps
from django.contrib import admin
from django.urls import URLPattern, URLResolver, path
from drf_spectacular.views import SpectacularSwaggerSplitView

from polder.api import addresses as _registers_converters  # noqa: F401
from polder.api.document import Document
from polder.api.problem_responses import problem_page
from polder.observability import events
from polder.observability.applied import Applied
from polder.observability.board.api import Standing
from polder.observability.health import livez, readyz
from polder.observability.metrics import metrics
from polder.observability.timeline.api import TimelinePart

SAFE = ["get", "head"]


def _admin_urls() -> list[URLPattern | URLResolver]:
    """Of Polder's admin where it is installed, else of Django's."""
    if apps.is_installed("polder.admin"):
        from polder.admin.urls import admin_urls

        return admin_urls
    admin.autodiscover()
    return [path("admin/", admin.site.urls)]


common_urls: list[URLPattern | URLResolver] = [
    path("livez", livez),
    path("readyz", readyz),
    path("metrics", metrics),
    path("ops/applied/<id:event_id>", Applied.as_view()),
    path("ops/standing", Standing.as_view()),
    path("ops/timeline/<key:key>", TimelinePart.as_view()),
    path("api/schema/", Document.as_view(http_method_names=SAFE), name="schema"),
    path("api/docs/", SpectacularSwaggerSplitView.as_view(http_method_names=SAFE), name="docs"),
    path("problems/<slug:kind>/", problem_page),
    *events.urls,
    *_admin_urls(),
]
