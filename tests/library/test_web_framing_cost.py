"""What a request costs grows with its length, however it is framed."""

from __future__ import annotations

from contextlib import suppress
from time import process_time
from types import SimpleNamespace
from typing import Any

import pytest
from gunicorn.config import Config
from gunicorn.http.body import ChunkedReader

from polder.api.connection import begin, hand_over, prepare, take_back
from polder.api.incoming import Incoming, Refused

CHUNK = b"39\r\n" + b"x" * 57 + b"\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
NEXT = b"GET /next HTTP/1.1\r\nHost: a\r\n\r\n"


def connection(received: bytes) -> Any:
    sock = SimpleNamespace(fileno=None, recv=None, shutdown=None)
    conn = SimpleNamespace(sock=sock, client=("127.0.0.1", 1))
    prepare(conn, Config())
    begin(conn, most_body=2_500_000)
    conn.incoming.data += received
    return conn


def test_a_chunk_costs_as_much_however_many_follow(monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a body of many small chunks, with another request behind it
    copied = []
    parse = ChunkedReader.parse_chunk_size

    def counted(reader: Any, unreader: Any, data: bytes | None = None) -> Any:
        copied.append(len(data or b""))
        return parse(reader, unreader, data)

    monkeypatch.setattr(ChunkedReader, "parse_chunk_size", counted)
    conn = connection(CHUNKED + CHUNK * 4_000 + b"0\r\nA: b\r\n\r\n" + NEXT)
    assert conn.incoming.whole()
    # When a thread reads it
    hand_over(conn)
    body = next(conn.parser).body.read()
    # Then no chunk had more copied than lay in a buffer of the parser
    assert body == b"x" * 57 * 4_000
    assert max(copied) <= 2 * 8192
    # and the other request is still there, for whoever asks
    take_back(conn)
    assert conn.parser.unreader.buf.getvalue() == NEXT
    begin(conn, most_body=2_500_000)
    assert conn.incoming.whole()
    hand_over(conn)
    assert next(conn.parser).path == "/next"


@pytest.mark.parametrize("name", ["X", "Transfer-Encoding", "Content-Length", "Expect", "Host"])
@pytest.mark.parametrize("value", ["", "1", "chunked"])
def test_blanks_in_a_head_are_read_in_no_time(name: str, value: str) -> None:
    """A millisecond when each is looked at once; many seconds when each is once for each other."""
    head = f"GET / HTTP/1.1\r\nHost: a\r\n{name}: {value}{' ' * 60_000}x\r\n\r\n".encode()
    began = process_time()

    with suppress(Refused):
        Incoming(head, 10_000).whole()

    assert process_time() - began < 1
