"""Addresses of the admin: Django's, and pages of more than one model."""

from __future__ import annotations

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from polder.admin.parked import many, parked
from polder.admin.timeline import timeline

admin.autodiscover()  # its pages, unless they were found when the process started

_pages = [
    path("timeline/", admin.site.admin_view(timeline), name="admin-timeline"),
    path("parked/", admin.site.admin_view(parked), name="admin-parked"),
    path("parked/all/", admin.site.admin_view(many), name="admin-many"),
]
admin_urls: list[URLPattern | URLResolver] = [
    path("admin/", include(_pages)),
    path("admin/", admin.site.urls),
]
