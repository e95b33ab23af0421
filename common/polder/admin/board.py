"""The board: how the services stand and what is on its way between them, as it happens.

The browser is told by server-sent events. An answer holds one of them and says when to ask again:
an open stream for each page would hold one of the web process's few threads for as long as somebody
looks. Whoever looks shares one look a second.
"""

from __future__ import annotations

import time
from contextlib import suppress
from threading import Lock
from typing import Any
from uuid import UUID, uuid4

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from polder.admin.board_actions import NotPossible, board_actions, do
from polder.admin.board_drawing import drawing
from polder.admin.board_words import headline, shown
from polder.observability.board.whole import Board, whole_board

NEEDED = (
    "polder_outbox.view_outboxevent",
    "polder_inbox.view_ledgerentry",
    "polder_inbox.view_parkedevent",
    "polder_replication.view_drift",
)
SECONDS = 1.0


class _Shared:
    """The last look, for whoever asks within a second of it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._board: Board | None = None
        self._until = 0.0

    def now(self) -> Board:
        with self._lock:
            if self._board is None or time.monotonic() >= self._until:
                self._board = whole_board()
                self._until = time.monotonic() + SECONDS
            return self._board


_looked = _Shared()


@require_safe
@never_cache
def board(request: HttpRequest) -> HttpResponse:
    _refuse_strangers(request)
    actions = [one for one in board_actions.values() if request.user.has_perm(one.permission)]
    context = {
        **admin.site.each_context(request),
        "title": "Board",
        **_context(),
        "actions": [(one.name, one.label, uuid4()) for one in actions],
    }
    return TemplateResponse(request, "polder_admin/board.html", context)


@require_safe
@never_cache
def live(request: HttpRequest) -> HttpResponse:
    """One server-sent event: the board as it is now."""
    _refuse_strangers(request)
    lines = render_to_string("polder_admin/board_live.html", _context()).splitlines()
    data = "".join(f"data: {line}\n" for line in lines)
    return HttpResponse(f"retry: {SECONDS * 1000:.0f}\n{data}\n", "text/event-stream")


@require_POST
def act(request: HttpRequest) -> HttpResponse:
    action = board_actions.get(request.POST.get("action", ""))
    if action is None:
        raise Http404
    if not request.user.has_perm(action.permission):
        raise PermissionDenied
    with suppress(ValueError):
        form = UUID(request.POST.get("drawn", ""))
        try:
            messages.success(request, do(action, request.user.get_username(), form))
        except NotPossible as error:
            messages.error(request, str(error))
    return HttpResponseRedirect(reverse("board"))


def _refuse_strangers(request: HttpRequest) -> None:
    if not request.user.has_perms(NEEDED):
        raise PermissionDenied


def _context() -> dict[str, Any]:
    there = _looked.now()
    return {"said": headline(there), "drawing": drawing(there), **shown(there)}
