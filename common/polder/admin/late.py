"""Django's admin, whose pages are looked for by whoever serves them: a relay or a worker starts
without, in less time and memory."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin.apps import SimpleAdminConfig
from django.contrib.admin.checks import check_admin_app, check_dependencies
from django.core.checks import CheckMessage, Tags, register


class LateAdminConfig(SimpleAdminConfig):
    """In INSTALLED_APPS instead of `django.contrib.admin`. The addresses of
    `polder.admin.urls` find the pages."""

    def ready(self) -> None:
        register(check_dependencies, Tags.admin)
        register(_check_pages, Tags.admin)


def _check_pages(**options: Any) -> list[CheckMessage]:
    admin.autodiscover()
    return list(check_admin_app(**options))
