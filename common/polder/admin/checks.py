"""What the operators' pages need of the project, found before somebody opens one."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.core.checks import Error, Tags, register
from django.urls import NoReverseMatch, reverse

ORDER = {"polder_admin": "polder.admin", "unfold": "unfold", "admin": "django.contrib.admin"}


@register()
def templates_are_found_first(**_: Any) -> list[Error]:
    """Its own before Unfold's, and Unfold's before Django's."""
    if [label for label in apps.app_configs if label in ORDER] == list(ORDER):
        return []
    return [
        Error(
            "polder.admin is installed, and its templates are not found.",
            hint=f"INSTALLED_APPS needs {', '.join(ORDER.values())}, in this order.",
            id="polder.E029",
        )
    ]


@register(Tags.urls)
def pages_have_addresses(**_: Any) -> list[Error]:
    """Lists of the admin link to pages that are of no single model."""
    try:
        reverse("admin-timeline")
    except NoReverseMatch:
        return [
            Error(
                "polder.admin is installed, and its pages have no address.",
                hint='urlpatterns needs *polder.admin.urls.admin_urls instead of path("admin/", '
                "admin.site.urls).",
                id="polder.E030",
            )
        ]
    return []
