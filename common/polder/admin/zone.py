"""The admin's times in the zone that its user has chosen, in this browser; UTC until then."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from django.http import HttpRequest, HttpResponse
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

COOKIE = "polder_zone"  # polder.js sets it


class ZoneMiddleware:
    """Of the admin's pages alone: what programs read stays in UTC."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        chosen = request.COOKIES.get(COOKIE, "")
        if chosen not in _known() or not request.path_info.startswith(_admin()):
            return self.get_response(request)
        with timezone.override(ZoneInfo(chosen)):
            return self.get_response(request)


@cache
def _known() -> frozenset[str]:
    return frozenset(available_timezones())


@cache
def _admin() -> str:
    try:
        return reverse("admin:index")
    except NoReverseMatch:
        return "/admin/"
