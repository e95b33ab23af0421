"""What every service answers beside its own API."""

from __future__ import annotations

from django.contrib import admin
from django.urls import URLPattern, URLResolver, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

from common.status.applied import Applied
from common.status.health import livez, readyz
from common.status.metrics import metrics
from common.web import addresses as _registers_converters  # noqa: F401
from common.web.problem_responses import problem_page

common_urls: list[URLPattern | URLResolver] = [
    path("livez", livez),
    path("readyz", readyz),
    path("metrics", metrics),
    path("ops/applied/<id:event_id>", Applied.as_view()),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerView.as_view(), name="docs"),
    path("problems/<slug:kind>/", problem_page),
    path("admin/", admin.site.urls),
]
