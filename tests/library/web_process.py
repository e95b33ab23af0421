"""The web process for real, on a port of its own, and raw connections to it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPResponse
from pathlib import Path
from types import SimpleNamespace
from typing import BinaryIO, Self, cast
from urllib.parse import urlsplit

from django.db import connection

from deploy.local.ports import Ports, http_status
from tests.blackbox.shop import until

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def web_process(log: Path, *arguments: str) -> Iterator[int]:
    """Its port. At the end it is told to stop, and must have done so well. It works on the tests'
    database, which has to be there (`django_db_setup`): on one without tables it would wait for
    them first."""
    port = Ports.free()["order"]
    command = [
        sys.executable,
        "manage.py",
        "order",
        "web",
        "--bind",
        f"127.0.0.1:{port}",
        *arguments,
    ]
    with log.open("wb") as out:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            stdout=out,
            stderr=out,
            env=os.environ | {"ORDER_DATABASE_URL": on_test_database()},
        )
    try:
        until(lambda: http_status(port, "/livez") == 200, "the web process answers", seconds=120)
        yield port
    finally:
        process.send_signal(signal.SIGTERM)
        status = process.wait(60)
    assert status == 0, log.read_text()[-2000:]


def on_test_database() -> str:
    url = urlsplit(os.environ["ORDER_DATABASE_URL"])
    return url._replace(path=f"/{connection.settings_dict['NAME']}").geturl()


def connect(port: int, sent: bytes = b"") -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=60)
    connection.sendall(sent)
    return connection


class Answers:
    """What comes from a connection. One reader for all of it: answers that come at once lie in its
    buffer, where a reader of the next one alone would not find them."""

    def __init__(self, connection: socket.socket) -> None:
        self._reader = connection.makefile("rb")

    def makefile(self, mode: str) -> BinaryIO:
        """For `HTTPResponse`, which closes at the end of an answer what it read it from."""
        kept = SimpleNamespace(close=lambda: None)
        for name in ("read", "readinto", "readline"):
            setattr(kept, name, getattr(self._reader, name))
        return cast("BinaryIO", kept)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._reader.close()


def answer(
    connection: socket.socket | Answers, method: str = "GET"
) -> tuple[int, dict[str, str], bytes]:
    """Status, headers in lower case and body of the next answer; of several, from `Answers`."""
    response = HTTPResponse(cast("socket.socket", connection), method=method)
    response.begin()
    return (
        response.status,
        {name.lower(): value for name, value in response.getheaders()},
        response.read(),
    )


def asked(port: int, sent: bytes, method: str = "GET") -> tuple[int, dict[str, str], bytes]:
    with connect(port, sent) as connection:
        return answer(connection, method)
