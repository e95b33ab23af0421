"""The page of parked events by cause, with what runs in the background; and the page that asks
whether, and why, all of a cause are fetched, redriven or discarded."""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from uuid import UUID, uuid4

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods, require_safe

from polder.admin.lists import COUNTED_AT_MOST
from polder.admin.many import MANY, Asked, begin_many
from polder.admin.operations import ReasonForm
from polder.inbox import bulk
from polder.inbox.groups import Group, groups
from polder.inbox.models import BulkOperation
from polder.observability.measures import limited
from polder.resync.fetching import replica_of
from polder.resync.runs import NotPossible

LATEST = 5  # operations that are over


# in the address, where `reason` is the operator's own
ASKED = {"queue": "queue", "type": "type", "cause": "reason"}


@require_safe
def parked(request: HttpRequest) -> HttpResponse:
    """The causes, and what operators have asked for of many."""
    if not request.user.has_perm("polder_inbox.view_parkedevent"):
        raise PermissionDenied
    with limited(2.0):
        causes = groups()
    running = BulkOperation.objects.filter(ended_at=None)
    over = BulkOperation.objects.exclude(ended_at=None)[:LATEST]
    context = {
        **admin.site.each_context(request),
        "title": "Parked, by cause",
        "groups": [_group(request, one) for one in causes],
        "operations": [*running, *over],
        "may_change": any(request.user.has_perm(many.permission) for many in MANY.values()),
    }
    return TemplateResponse(request, "polder_admin/parked.html", context)


def _group(request: HttpRequest, group: Group) -> dict[str, Any]:
    asked = [
        (many.label, many_address(name, group))
        for name, many in MANY.items()
        if request.user.has_perm(many.permission)
        and (name != "fetch" or replica_of(group.queue, group.type))
    ]
    return {"group": group, "link": list_of(group), "shown": counted(group.number), "asked": asked}


def many_address(action: str, group: Group) -> str:
    """Of the page that asks whether."""
    query = {asked: group.chosen[name] for asked, name in ASKED.items()}
    return f"{reverse('admin-many')}?{urlencode({'action': action, **query})}"


def counted(number: int) -> str:
    """As far as the list behind it counts."""
    return str(number) if number <= COUNTED_AT_MOST else f"{COUNTED_AT_MOST}+"


def list_of(group: Group) -> str:
    """The address of the list of just these."""
    query = urlencode({"state__exact": "parked", **group.chosen})
    return f"{reverse('admin:polder_inbox_parkedevent_changelist')}?{query}"


@require_http_methods(["GET", "HEAD", "POST"])
def many(request: HttpRequest) -> HttpResponse:
    """`?action=redrive&queue=&type=&reason=`: asks why; sent, it begins."""
    given = request.POST if request.method == "POST" else request.GET
    action = MANY.get(given.get("action", ""))
    if action is None or not set(request.GET) <= {"action", *ASKED}:  # a slip would mean all
        raise Http404
    if not request.user.has_perms((action.permission, "polder_inbox.view_parkedevent")):
        raise PermissionDenied
    chosen = {
        name: given[asked].replace("\0", "")[:100]
        for asked, name in ASKED.items()
        if asked in given
    }
    form, drawn = ReasonForm(request.POST if request.method == "POST" else None), _drawn(request)
    if form.is_valid() and drawn:
        reason = form.cleaned_data["reason"]
        return _begun(request, Asked(given["action"], chosen, reason, drawn))
    context = {
        **admin.site.each_context(request),
        "title": f"{action.label}: {', '.join(filter(None, chosen.values())) or 'all'}",
        "many": action,
        "action": given["action"],
        "chosen": {asked: chosen[name] for asked, name in ASKED.items() if name in chosen},
        "number": bulk.chosen_by(chosen).messages().count(),
        "drawn": drawn or uuid4(),
        "form": form,
    }
    return TemplateResponse(request, "polder_admin/many.html", context)


def _drawn(request: HttpRequest) -> UUID | None:
    with suppress(ValueError):
        return UUID(request.POST.get("drawn", ""))
    return None


def _begun(request: HttpRequest, asked: Asked) -> HttpResponse:
    operator = request.user.get_username()
    try:
        messages.success(request, begin_many(operator, asked))
    except NotPossible as error:
        messages.error(request, str(error))
    return HttpResponseRedirect(reverse("admin-parked"))
