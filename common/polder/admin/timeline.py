"""The admin's page of one key's timeline, across the services."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from polder import this_service
from polder.observability.timeline.find import found_by
from polder.observability.timeline.peers import whole_story
from polder.observability.timeline.story import CarriedOut, Entry, Receipt, Story, Told
from polder.span import span

NEEDED = (
    "polder_outbox.view_outboxevent",
    "polder_inbox.view_ledgerentry",
    "polder_inbox.view_parkedevent",
)
LABELS = {  # what became of an event, in Unfold's colours
    "applied": "success",
    "redriven": "success",
    "missing": "danger",
    "parked": "danger",
    "conflict": "danger",
    "regressed": "danger",
    "discarded": "warning",
}
EFFECT_LABELS = {"done": "success", "failed": "danger", "waiting": "info", "skipped": "warning"}


@require_safe
def timeline(request: HttpRequest) -> HttpResponse:
    """`?key=`: of an order, a product or whatever a service knows by that key."""
    if not request.user.has_perms(NEEDED):
        raise PermissionDenied
    key = request.GET.get("key", "").strip()[:64].replace("\0", "")
    found = [one for one in found_by(key) if one.key != key]
    if len(found) == 1:
        [one] = found
        event = f"#event-{one.event}" if one.event else ""
        return HttpResponseRedirect(f"{timeline_address(one.key)}{event}")
    story = whole_story(key) if key and not found else None
    context = {
        **admin.site.each_context(request),
        "title": "Timeline",
        "key": key,
        "story": story,
        "found": [(one.key, timeline_address(one.key)) for one in found],
        **(_shown(story) if story else {}),
    }
    return TemplateResponse(request, "polder_admin/timeline.html", context)


def timeline_address(key: str) -> str:
    return f"{reverse('admin-timeline')}?{urlencode({'key': key})}"


def _shown(story: Story) -> dict[str, Any]:
    names = {one.event_id: one.type for one in story.entries}
    return {
        "entries": [_entry(one, names) for one in reversed(story.entries)],
        "standing": list(_standing(story)),
        "waits": [_told(one, story) for one in story.waits],
        "gaps": [_told(one, story) for one in story.gaps],
    }


def _standing(story: Story) -> Iterator[dict[str, Any]]:
    """By aggregate its row at the owner and its replicas; which of them are behind."""
    rows = sorted(story.here, key=lambda one: (one.aggregate, not one.owned, one.service))
    for name, found in groupby(rows, key=lambda one: one.aggregate):
        there = list(found)
        newest = max(one.version for one in there)
        yield {
            "name": name,
            "rows": [{"row": one, "behind": one.version < newest} for one in there],
        }


def _told(one: Told, story: Story) -> dict[str, Any]:
    length = span(story.at - one.since) if one.since else ""
    return {"service": one.service, "what": one.what, "since": one.since, "span": length}


def _entry(entry: Entry, names: dict[UUID, str]) -> dict[str, Any]:
    after = entry.published_at and span(entry.published_at - entry.committed_at)
    receipts = [_receipt(entry, one, names) for one in entry.receipts]
    effects = [_effect(entry, one) for one in entry.effects]
    return {"event": entry, "published_after": after, "receipts": receipts, "effects": effects}


def _effect(entry: Entry, one: CarriedOut) -> dict[str, Any]:
    return {
        "effect": one,
        "label": EFFECT_LABELS.get(one.state, ""),
        "done_after": one.done_at and span(one.done_at - entry.committed_at),
    }


def _receipt(entry: Entry, receipt: Receipt, names: dict[UUID, str]) -> dict[str, Any]:
    came, applied, redriven = receipt.received_at, receipt.applied_at, receipt.redriven_at
    is_ours = receipt.parked and receipt.service == this_service.name()
    return {
        "service": receipt.service,
        "outcome": receipt.outcome,
        "label": LABELS.get(receipt.outcome, ""),
        "parked": receipt.parked,
        "link": is_ours and reverse("admin:polder_inbox_parkedevent_change", args=[receipt.parked]),
        "redriven_after": redriven and span(redriven - entry.committed_at),
        "received_after": came and span(came - entry.committed_at),
        "applied_after": applied and span(applied - entry.committed_at),
        "led_to": [names[one] for one in receipt.led_to if one in names],
    }
