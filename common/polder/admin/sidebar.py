"""The admin's sidebar: what people look for, in the words of their work and not by the packages of
the code."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.text import capfirst

from polder import this_service
from polder.admin.board import NEEDED as OF_THE_BOARD
from polder.admin.timeline import NEEDED
from polder.replication.replica import Replica

GROUPS = ("What we decide", "What we know of others", "Events", "Access", "Operators")
# in the order in which an event walks through them
EVENTS = ("polder_outbox", "polder_inbox", "polder_replication", "polder_effects")
ICONS = {
    "order": "receipt_long",
    "product": "inventory_2",
    "stock": "warehouse",
    "reservation": "bookmark_added",
    "movement": "swap_vert",
    "shipment": "local_shipping",
    "outboxevent": "outbox",
    "fenced": "fence",
    "subscriber": "hearing",
    "ledgerentry": "menu_book",
    "parkedevent": "report",
    "accounting": "tag",
    "replicastate": "sync",
    "drift": "difference",
    "intent": "outgoing_mail",
    "regression": "history_toggle_off",
    "apikey": "key",
    "user": "person",
    "group": "group",
    "operatoraction": "history",
}


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """The models that this person may look at, in groups."""
    groups: dict[str, list[dict[str, Any]]] = {title: [] for title in GROUPS}
    groups["What we decide"].append(
        {"title": "Overview", "icon": "monitoring", "link": reverse("admin:index")}
    )
    if request.user.has_perms(OF_THE_BOARD):
        groups["What we decide"].append({"title": "Board", "icon": "hub", "link": reverse("board")})
    runbooks = {"title": "Runbooks", "icon": "auto_stories", "link": reverse("admin-runbooks")}
    groups["Operators"].append(runbooks)
    if request.user.has_perms(NEEDED):
        timeline = {"title": "Timeline", "icon": "timeline", "link": reverse("admin-timeline")}
        groups["Events"].append(timeline)
    for model, model_admin in sorted(
        admin.site._registry.items(), key=lambda entry: _place(entry[0])
    ):
        if model_admin.has_view_permission(request):
            groups[_group_of(model)].append(_entry(model))
    with suppress(NoReverseMatch):  # a project need not show it
        catalogue = {"title": "Catalogue", "icon": "import_contacts", "link": reverse("events")}
        groups["Events"].append(catalogue)
    return [
        {"title": title, "separator": True, "items": items}
        for title, items in groups.items()
        if items
    ]


def _place(model: type[Model]) -> int:
    label = model._meta.app_label
    return EVENTS.index(label) if label in EVENTS else 0


def _entry(model: type[Model]) -> dict[str, Any]:
    meta = model._meta
    address = reverse(f"admin:{meta.app_label}_{meta.model_name}_changelist")
    return {
        "title": capfirst(str(meta.verbose_name_plural)),
        "icon": ICONS.get(str(meta.model_name), "table_rows"),
        "link": address,
    }


def _group_of(model: type[Model]) -> str:
    label = model._meta.app_label
    if issubclass(model, Replica):
        return "What we know of others"
    if label in EVENTS:
        return "Events"
    if label == this_service.name():
        return "What we decide"
    return "Operators" if label == "polder_admin" else "Access"
