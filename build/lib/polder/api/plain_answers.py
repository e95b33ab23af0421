"""Answers of the web process to requests that never reach Django: problems, like all others."""

from __future__ import annotations

import json
from http import HTTPStatus

from polder.api.problems import MEDIA_TYPE, problem

KINDS = {
    HTTPStatus.REQUEST_TIMEOUT: "too-slow",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "too-large",
    HTTPStatus.REQUEST_URI_TOO_LONG: "too-large",
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: "too-large",
    HTTPStatus.INTERNAL_SERVER_ERROR: "error",
}


def plain_problem(status: HTTPStatus) -> bytes:
    """The whole answer, after which the connection ends. Of a status that is not named above: `malformed`."""
    body = json.dumps(problem(KINDS.get(status, "malformed"), status)).encode()
    head = f"HTTP/1.1 {status.value} {status.phrase}\r\nConnection: close\r\nContent-Type: {MEDIA_TYPE}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


class Said:
    """In the place of a socket: takes the status of what gunicorn would have sent."""

    status = HTTPStatus.INTERNAL_SERVER_ERROR

    def sendall(self, data: bytes) -> None:
        self.status = HTTPStatus(int(data.split(b" ", 2)[1]))

    def gettimeout(self) -> float:
        return 0.0
