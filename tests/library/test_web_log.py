"""What the log says of a request that never reached Django: who sent it, and what was wrong."""

from __future__ import annotations

import logging
from pathlib import Path
from types import SimpleNamespace

import pytest

from polder.api.worker import BufferingWorker
from tests.library.web_process import asked, web_process

SECRET = b"ghost@example.org"
HEAD = b"POST /api/orders/ HTTP/1.1\r\nHost: localhost\r\n"
UNREADABLE = {
    "InvalidRequestLine": b"GET /api/?email=" + SECRET + b"\r\nHost: a\r\n\r\n",
    "InvalidRequestMethod": SECRET + b" /api/ HTTP/1.1\r\nHost: a\r\n\r\n",
    "InvalidHTTPVersion": b"GET /?" + SECRET + b" HTTP/" + SECRET + b"\r\nHost: a\r\n\r\n",
    "LimitRequestLine": b"GET /?" + SECRET * 500 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    "InvalidHeader": HEAD + b"Authorization Api-Key " + SECRET + b"\r\n\r\n",
    "InvalidHeaderName": HEAD + SECRET + b": x\r\n\r\n",
    "ExpectationFailed": HEAD + b"Expect: " + SECRET + b"\r\n\r\n",
    "InvalidChunkSize": HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + SECRET + b"\r\n\r\n",
    "ChunkMissingTerminator": HEAD
    + b"Transfer-Encoding: chunked\r\n\r\n1\r\nx"
    + SECRET
    + b"0\r\n\r\n",
}


def test_what_cannot_be_read_is_not_told(django_db_setup: None, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with web_process(log) as port:
        statuses = {name: asked(port, sent)[0] for name, sent in UNREADABLE.items()}

    assert {400, 414, 417} == set(statuses.values())
    told = log.read_text()
    assert SECRET.decode()[:6] not in told
    for name, status in statuses.items():
        assert f"A request from 127.0.0.1 was answered {status}: {name}" in told


def test_what_fails_outside_django_is_told_without_its_address(
    caplog: pytest.LogCaptureFixture,
) -> None:
    answers: list[bytes] = []
    worker = BufferingWorker.__new__(BufferingWorker)
    worker.log = logging.getLogger("gunicorn.error")
    request = SimpleNamespace(method="GET", uri=f"/api/?email={SECRET.decode()}")
    client = SimpleNamespace(sendall=answers.append)

    worker.handle_error(request, client, ("10.0.0.9", 80), TypeError("why"))

    [record] = caplog.records
    assert record.getMessage() == "A request from 10.0.0.9 was answered 500: TypeError"
    assert record.exc_info
    assert b" 500 " in answers[0]
    assert SECRET.decode() not in caplog.text
