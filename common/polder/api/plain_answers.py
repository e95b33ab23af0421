"""Answers of the web process to requests that never reach Django: problems, like all others."""

from __future__ import annotations

import json
from http import HTTPStatus

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


class Said:
    """In the place of a socket: takes the status of what gunicorn would have sent."""

    status = HTTPStatus.INTERNAL_SERVER_ERROR

    def sendall(self, data: bytes) -> None:
        self.status = HTTPStatus(int(data.split(b" ", 2)[1]))

    def gettimeout(self) -> float:
        return 0.0
