"""Every error of the API becomes `application/problem+json`, with a type that resolves to a
page.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from itertools import count, takewhile
from typing import Any

from django.core.exceptions import DisallowedHost, PermissionDenied, RequestDataTooBig
from django.db import DatabaseError, InterfaceError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from rest_framework import exceptions
from rest_framework.renderers import JSONRenderer
from rest_framework.views import set_rollback

from polder.api.plain_problems import only_safe, plain_problem
from polder.api.problems import CATALOGUE, MEDIA_TYPE, MOST_ERRORS, Problem, problem
from polder.api.throttling import wait_of
from polder.database.locking import LockedKeys
from polder.errors.faults import MOMENT, Fault, NextTime, fault_of
from polder.outbox.carried_out import CarriedOutBefore
from polder.outbox.fence import FencedAggregate, ForgottenAggregates

LONGEST_ERROR, LONGEST_NAME = 300, 100
RETRY_AFTER = 60  # seconds
SOON = 5  # seconds

# REST framework throttles only whom it has let in
REFUSED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)

# what may say that it is not the request's fault
OF_THE_MOMENT = (DatabaseError, InterfaceError, OSError, NextTime, LockedKeys)

log = logging.getLogger(__name__)

_KIND_OF: dict[type[exceptions.APIException], str] = {
    exceptions.NotAuthenticated: "not-authenticated",
    exceptions.AuthenticationFailed: "not-authenticated",
    exceptions.PermissionDenied: "not-permitted",
    exceptions.NotFound: "not-found",
    exceptions.MethodNotAllowed: "method-not-allowed",
    exceptions.UnsupportedMediaType: "unsupported-media-type",
    exceptions.NotAcceptable: "not-acceptable",
    exceptions.Throttled: "throttled",
    exceptions.ValidationError: "invalid",
    exceptions.ParseError: "invalid",
}


def problem_response(error: Exception, context: dict[str, Any]) -> HttpResponse | None:
    """REST framework's exception handler. What it does not know is Django's to answer, by
    `server_error`."""
    if isinstance(error, Http404):
        error = exceptions.NotFound()
    elif isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    elif isinstance(error, FencedAggregate | ForgottenAggregates):
        error = _of_the_fence(error)
    elif isinstance(error, CarriedOutBefore):
        made: dict[str, Any] = {"aggregate": error.made.aggregate, "key": error.made.key}
        error = Problem("carried-out-before", str(error), **made)
    elif not isinstance(error, exceptions.APIException):
        error = _of_the_moment(error)
    if not isinstance(error, exceptions.APIException):
        return None
    set_rollback()
    if error.status_code in REFUSED and (wait := wait_of(context["request"])):
        error = exceptions.Throttled(wait)
    kind, members = _kind_and_members(error)
    # Rendered here and not by the view's renderer: a problem is JSON even where the answer would
    # have been something else.
    response = HttpResponse(
        JSONRenderer().render(problem(kind, **members)), MEDIA_TYPE, CATALOGUE[kind].status
    )
    for header, value in (
        ("WWW-Authenticate", getattr(error, "auth_header", None)),
        ("Retry-After", getattr(error, "wait", None)),
    ):
        if value:
            response[header] = str(value)
    return response


def _kind_and_members(error: exceptions.APIException) -> tuple[str, dict[str, Any]]:
    if isinstance(error, Problem):
        return error.kind, {"detail": str(error.detail), **error.members}
    if isinstance(error, exceptions.ValidationError):
        return "invalid", {"errors": _first(error.detail, count(1))}
    kind = next((kind for known, kind in _KIND_OF.items() if isinstance(error, known)), "error")
    return kind, {"detail": str(error.detail)}


def _first(errors: Any, told: Iterator[int]) -> Any:
    """The errors in their places, the first of them only: neither their number nor their length is
    the sender's to choose."""
    if isinstance(errors, Mapping):
        items = ((str(name)[:LONGEST_NAME], _first(below, told)) for name, below in errors.items())
        return dict(takewhile(lambda item: item[1] is not None, items)) or None
    if isinstance(errors, Sequence) and not isinstance(errors, str):
        return (
            list(
                takewhile(
                    lambda error: error is not None, (_first(error, told) for error in errors)
                )
            )
            or None
        )
    return str(errors)[:LONGEST_ERROR] if next(told) <= MOST_ERRORS else None


def _of_the_moment(error: Exception) -> Exception:
    """A problem, when nothing but the moment is in the way: of what the error says itself, as what
    it came from may have been dealt with."""
    if not isinstance(error, OF_THE_MOMENT):
        return error
    fault = fault_of(error)
    if fault is Fault.LOCKED:
        held = "Another transaction holds a row that this one needs."
        return Problem("busy", held, retry_after=1)
    if fault in MOMENT:
        # while the database is away each request has the same
        trace = None if fault is Fault.AWAY else error
        log.error("A request was answered 503: %r", error, exc_info=trace)
        return Problem("unavailable", "", retry_after=SOON)
    return error


def _of_the_fence(error: FencedAggregate | ForgottenAggregates) -> Problem:
    if isinstance(error, ForgottenAggregates):
        return Problem("past-came-back", str(error), retry_after=RETRY_AFTER)
    known: dict[str, Any] = {
        "knownVersion": error.fenced.known_version,
        "version": error.version,
        "reportedBy": error.fenced.reported_by,
    }
    return Problem("fenced", str(error), **known)


@only_safe
def problem_page(request: HttpRequest, kind: str) -> HttpResponse:
    """What a problem's `type` leads to: its meaning and what to do."""
    if kind not in CATALOGUE:
        raise Http404
    return render(request, "polder_api/problem.html", {"kind": kind, **CATALOGUE[kind]._asdict()})


def too_many(wait: float) -> HttpResponse:
    response = plain_problem("throttled")
    response["Retry-After"] = str(math.ceil(wait))
    return response


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if isinstance(exception, RequestDataTooBig):
        return plain_problem("too-large")
    detail = (
        "The Host header names none of this service's hosts."
        if isinstance(exception, DisallowedHost)
        else ""
    )
    return plain_problem("invalid", detail)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return plain_problem("not-permitted")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return plain_problem("not-found")


def server_error(request: HttpRequest) -> HttpResponse:
    return plain_problem("error")
