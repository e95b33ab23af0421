"""What every service answers beside its own API."""

from __future__ import annotations

from django.contrib import admin
from django.urls import URLPattern, URLResolver, path

from common import this_service
from common.status.health import livez, readyz
from common.web.problem_responses import problem_page

admin.site.site_header = admin.site.site_title = f"Polder: {this_service.name()}"
admin.site.index_title = "Operations"

common_urls: list[URLPattern | URLResolver] = [
    path("livez", livez),
    path("readyz", readyz),
    path("problems/<slug:kind>/", problem_page),
    path("admin/", admin.site.urls),
]
