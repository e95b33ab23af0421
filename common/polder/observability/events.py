"""`/events/`: what the services tell each other, for whoever wants to subscribe."""

from __future__ import annotations

from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.views.decorators.http import require_safe

from polder import this_service
from polder.contracts.catalogue import Entry, entries
from polder.contracts.event import Event
from polder.contracts.exporting import exported
from polder.contracts.published import Published, Version, in_folder
from polder.reconcile.reads import reads


def published() -> Published:
    """What was exported; where nothing was, what the code of this service knows. Read once."""
    return _published(this_service.schemas(), this_service.name())


@cache
def _published(folder: Path, service: str) -> Published:
    found = in_folder(folder)
    if not found.schemas:
        for publisher in sorted({kind.service for kind in Event.known.values()}):
            found = exported(found, publisher, {service: reads()})
    return found


@require_safe
def catalogue(request: HttpRequest) -> HttpResponse:
    """Every event, by who publishes it and what it is about."""
    groups = [
        {"service": service, "aggregate": aggregate, "events": list(events)}
        for (service, aggregate), events in groupby(
            entries(published()), key=lambda one: (one.service, one.aggregate)
        )
    ]
    for group in groups:
        group["readers"] = group["events"][0].readers
    return render(request, "polder_observability/events.html", _about(groups=groups))


@require_safe
def event_page(request: HttpRequest, service: str, event: str) -> HttpResponse:
    """One event in its newest version, with an example and who reads it."""
    return render(request, "polder_observability/event.html", _about(entry=_entry(service, event)))


@require_safe
def schema(request: HttpRequest, service: str, event: str, version: int) -> HttpResponse:
    """The JSON Schema of one version, as it was published."""
    found = published().schemas.get(Version(service, event, version))
    if found is None:
        raise Http404
    return JsonResponse(
        found, content_type="application/schema+json", json_dumps_params={"indent": 2}
    )


@require_safe
def asyncapi(request: HttpRequest) -> HttpResponse:
    """The AsyncAPI document."""
    return HttpResponse(published().asyncapi, content_type="application/yaml")


def _entry(service: str, event: str) -> Entry:
    for entry in entries(published()):
        if (entry.service, entry.event) == (service, event):
            return entry
    raise Http404


def _about(**more: Any) -> dict[str, Any]:
    return {"service": this_service.name(), **more}


urls: list[URLPattern] = [
    path("events/", catalogue, name="events"),
    path("events/asyncapi.yaml", asyncapi, name="asyncapi"),
    path("events/<slug:service>/<slug:event>/", event_page, name="event"),
    path("events/<slug:service>/<slug:event>/<int:version>.json", schema, name="event-schema"),
]
