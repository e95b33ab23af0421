"""Answers of the web process to requests that never reach Django: problems, like all others."""

from __future__ import annotations

import json
from http import HTTPStatus

from gunicorn.http import errors

from polder.api.problems import CATALOGUE, MEDIA_TYPE, problem

KINDS = (
    "too-slow",
    "too-large",
    "address-too-long",
    "head-too-large",
    "expectation-failed",
    "not-implemented",
    "unavailable",
    "error",
)
_KIND_OF_STATUS = {CATALOGUE[kind].status: kind for kind in KINDS}
# what gunicorn says of a request that it cannot read, besides 400
_STATUSES: dict[type[BaseException], HTTPStatus] = {
    errors.LimitRequestLine: HTTPStatus.REQUEST_URI_TOO_LONG,
    errors.LimitRequestHeaders: HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    errors.ExpectationFailed: HTTPStatus.EXPECTATION_FAILED,
    errors.UnsupportedTransferCoding: HTTPStatus.NOT_IMPLEMENTED,
}
# and what it says of our own answers and settings
_OURS = (
    errors.ConfigurationProblem,
    errors.InvalidResponseHeader,
    errors.InvalidResponseHeaderName,
)


def plain_problem(status: HTTPStatus) -> bytes:
    """The whole answer, after which the connection ends. Of a status that none of KINDS has:
    `malformed`, which is a 400."""
    said = problem(_KIND_OF_STATUS.get(status, "malformed"))
    body, status = json.dumps(said).encode(), HTTPStatus(said["status"])
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\nConnection: close\r\nContent-Type: "
        f"{MEDIA_TYPE}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def status_of(error: BaseException) -> HTTPStatus:
    """Of a request that ended in it outside Django."""
    if not isinstance(error, errors.ParseException) or isinstance(error, _OURS):
        return HTTPStatus.INTERNAL_SERVER_ERROR
    return _STATUSES.get(type(error), HTTPStatus.BAD_REQUEST)
