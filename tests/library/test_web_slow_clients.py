"""No client can hold what all share: the web process, for real, and clients that send or read
slowly or not at all."""

from __future__ import annotations

import os
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from django.conf import settings

from polder.testing.database import other_connection
from tests.blackbox.shop import until
from tests.library.web_process import answer, asked, connect, web_process

HALF_A_HEAD = b"GET /api/orders/ HTTP/1.1\r\nHost: localhost\r\nX-Slow: "
HALF_A_BODY = (
    b"POST /api/orders/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
    b"application/json\r\nContent-Length: 1000\r\n\r\n{"
)
HALF_A_CHUNK = (
    b"POST /api/orders/ HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n400\r\n{"
)
LIVEZ = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"
LARGE = b"GET /static/large.bin HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory, django_db_setup: None) -> Iterator[int]:
    large = Path(settings.STATIC_ROOT or "") / "large.bin"
    large.write_bytes(os.urandom(8_000_000))  # more than the kernel keeps for anybody
    with web_process(tmp_path_factory.mktemp("web") / "log") as port:
        yield port
    large.unlink()


@pytest.fixture(scope="module")
def hasty_port(tmp_path_factory: pytest.TempPathFactory, django_db_setup: None) -> Iterator[int]:
    """Of a process that waits for a request only a moment."""
    log = tmp_path_factory.mktemp("hasty") / "log"
    with web_process(log, "--receive-seconds", "2") as port:
        yield port


@pytest.mark.parametrize("half", [b"", b"G", HALF_A_HEAD, HALF_A_BODY, HALF_A_CHUNK])
def test_half_requests_hold_no_thread(port: int, half: bytes) -> None:
    with ExitStack() as held:
        for _ in range(40):  # five times as many as there are threads
            held.enter_context(connect(port, half))

        assert [asked(port, LIVEZ)[0], asked(port, LIVEZ.replace(b"/livez", b"/api/"))[0]] == [
            200,
            200,
        ]


def test_more_connections_than_there_may_be(port: int) -> None:
    with ExitStack() as held:
        for _ in range(600):
            held.enter_context(connect(port, HALF_A_HEAD))

        assert [asked(port, LIVEZ)[0] for _ in range(3)] == [200] * 3


@pytest.mark.parametrize("half", [HALF_A_HEAD, HALF_A_BODY])
def test_a_request_has_so_long_to_come_in_however_it_drips(hasty_port: int, half: bytes) -> None:
    began = time.monotonic()
    with connect(hasty_port, half) as slow:
        slow.settimeout(0.5)
        received = b""
        while not received and time.monotonic() < began + 120:
            slow.sendall(b"x")
            with suppress(TimeoutError):
                received = slow.recv(65536)

    assert time.monotonic() - began > 2.0
    assert received.startswith(b"HTTP/1.1 408 ")
    assert b"application/problem+json" in received


def test_who_does_not_read_holds_no_thread(port: int) -> None:
    # Given clients with next to no buffer that ask for more than a megabyte, and do not read it
    with ExitStack() as held:
        for _ in range(40):
            client = held.enter_context(socket.socket())
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            client.connect(("127.0.0.1", port))
            client.sendall(LARGE)

        # Then others are answered, and so is one of them as soon as it reads
        assert asked(port, LIVEZ.replace(b"/livez", b"/api/"))[0] == 200
        client.settimeout(60)
        status, headers, body = answer(client)
        assert (status, len(body)) == (200, int(headers["content-length"]))


def is_refused(client: socket.socket) -> bool:
    try:
        return client.recv(12, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b"HTTP/1.1 503"
    except BlockingIOError:
        return False


def test_what_waits_for_a_thread_is_bounded(port: int, committed: None) -> None:
    body = b"x" * 2_400_000
    head = b"POST /api/orders/ HTTP/1.1\r\nHost: localhost\r\nAuthorization: Api-Key %d\r\n"
    length = b"Content-Length: %d\r\n\r\n" % len(body)

    # Given threads that all wait for the database, and more to do than there may be
    with ExitStack() as held:
        locking = held.enter_context(other_connection())
        locking.execute("BEGIN; LOCK TABLE polder_api_apikey")
        clients = [
            held.enter_context(connect(port, head % number + length + body)) for number in range(60)
        ]
        until(lambda: any(map(is_refused, clients)), "there is no room for one more", seconds=60)
        locking.execute("ROLLBACK")

        # Then the last are told so, and the first answered: 409 if they had to wait for too long
        statuses = [answer(client)[0] for client in clients]
        assert statuses[0] in (401, 409)
        assert 503 in statuses
        assert set(statuses) <= {401, 409, 503}
        assert asked(port, LIVEZ.replace(b"/livez", b"/api/"))[0] == 200


def test_who_does_not_hang_up_holds_nobody_up(port: int) -> None:
    with ExitStack() as held:
        for _ in range(40):
            closing = held.enter_context(
                connect(port, LIVEZ.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
            )
            assert answer(closing)[0] == 200
        before = time.monotonic()

        assert asked(port, LIVEZ)[0] == 200
        assert time.monotonic() - before < 40  # two seconds for each would be eighty


def test_who_resets_the_connection_ends_nothing_else(port: int) -> None:
    whole = HALF_A_BODY.replace(b"1000", b"1")
    with connect(port) as staying:
        for sent in (
            b"",
            HALF_A_HEAD,
            HALF_A_BODY,
            HALF_A_CHUNK,
            LIVEZ,
            LARGE,
            whole,
            HALF_A_BODY.replace(b"\r\n{", b"Expect: 100-continue\r\n\r\n"),
        ):
            for _ in range(20):
                client = connect(port, sent)
                # close() resets
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                client.close()

        staying.sendall(LIVEZ)
        assert answer(staying)[0] == 200


def test_it_stops_beside_half_requests(tmp_path: Path, django_db_setup: None) -> None:
    with web_process(tmp_path / "log") as port:
        half = connect(port, HALF_A_BODY)
    # reset, where it had not been read yet
    with half, suppress(ConnectionResetError):
        assert half.recv(1) in (b"", b"H")
