"""Addresses of the admin: Django's, and pages of more than one model."""

from __future__ import annotations

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from polder.admin.timeline import timeline

admin.autodiscover()  # its pages, unless they were found when the process started

_pages = [path("timeline/", admin.site.admin_view(timeline), name="admin-timeline")]
admin_urls: list[URLPattern | URLResolver] = [
    path("admin/", include(_pages)),
    path("admin/", admin.site.urls),
]
