"""Every address of a service, as Django's resolver has them, and every action of a list in its
admin."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple

from django.apps import apps
from django.contrib import admin
from django.contrib.admin.utils import quote
from django.db.models import Model
from django.http import HttpRequest
from django.urls import URLPattern, URLResolver, get_resolver

from polder.admin.board_actions import board_actions

VARIABLE = re.compile(r"<(?:(\w+):)?(\w+)>|\(\?P<(\w+)>(?:[^()]|\([^()]*\))*\)")
SOME = {"id": "0190a6e0-0000-7000-8000-000000000000", "int": "1"}
MORE = {"admin/parked/all/": ("fetch", "redrive", "discard")}


class Address(NamedTuple):
    """`name` has `<>` for its variables, `path` something in their place; `form` is what is sent to
    choose an action of a list."""

    name: str
    path: str
    form: Mapping[str, str] | None = None


def every_address() -> Iterator[Address]:
    for route in _routes(get_resolver().url_patterns):
        name = VARIABLE.sub("<>", route).replace("^", "").replace("$", "")
        path = "/" + VARIABLE.sub(partial(_value, route), route).replace("^", "").replace("$", "")
        yield Address(name, path)
        for action in MORE.get(name, board_actions if name == "ops/board/do" else ()):
            yield Address(f"{name}?action={action}", f"{path}?action={action}")


def every_action(request: HttpRequest) -> Iterator[Address]:
    """Under the address of the page that asks about one row. `request` is a superuser's."""
    for model, pages in admin.site._registry.items():
        base = f"admin/{model._meta.app_label}/{model._meta.model_name}/"
        for action in pages.get_actions(request):
            page = "delete" if action == "delete_selected" else action.replace("_", "-")
            chosen = {"action": action, "_selected_action": _key(model)}
            yield Address(f"{base}<>/{page}/", f"/{base}", chosen)


def _routes(patterns: list[Any], before: str = "") -> Iterator[str]:
    for pattern in patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _routes(pattern.url_patterns, route)
        elif isinstance(pattern, URLPattern):
            yield route


def _value(route: str, found: re.Match[str]) -> str:
    kind, name, named = found.groups()
    if named:  # of the admin's own
        return "auth" if named == "app_label" else "nosuch"
    if route.startswith("admin/") and name in ("id", "object_id") and "/r/" not in route:
        _, label, model, *_ = route.split("/")
        return quote(_key(apps.get_model(label, model)))
    return SOME.get(kind, "1" if "content_type" in name else "p1")


def _key(model: type[Model]) -> str:
    """Of a row that is there, or of none."""
    row = model._default_manager.order_by("pk").first()
    if row is not None:
        return str(row.pk)
    is_uuid = model._meta.pk.get_internal_type() == "UUIDField"
    return SOME["id" if is_uuid else "int"]
