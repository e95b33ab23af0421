"""What becomes of a page whose transaction was rolled back through no fault of its own: somebody
held a row for longer than one waits, or a migration has changed what a kept plan answers."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlsplit

from django.contrib import messages
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import SimpleTemplateResponse
from django.utils.http import url_has_allowed_host_and_scheme

from polder.admin.audit import HELD
from polder.api.plain_problems import plain_problem
from polder.database.prepared import once_more
from polder.errors.faults import Fault, fault_of

View = Callable[..., HttpResponse]


def told_or_again(view: View) -> View:
    """A page of the admin, whose form does once what it asks for: so it may be sent again."""

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return once_more(lambda: _whole(view(request, *args, **kwargs)))
        except DatabaseError as error:
            if fault_of(error) is not Fault.LOCKED:
                raise
        return _held(request)

    return answer


def _whole(response: HttpResponse) -> HttpResponse:
    """Templates ask the database as well."""
    if isinstance(response, SimpleTemplateResponse):
        response.render()
    return response


def _held(request: HttpRequest) -> HttpResponse:
    """Told where the form is, to be sent again."""
    page = request.headers.get("Referer", "")
    ours = url_has_allowed_host_and_scheme(page, {request.get_host()}, request.is_secure())
    if request.method != "POST" or not ours:
        return plain_problem("busy", HELD)
    messages.error(request, f"Nothing was done: {HELD}.")
    return HttpResponseRedirect(urlsplit(page)._replace(scheme="", netloc="").geturl())
