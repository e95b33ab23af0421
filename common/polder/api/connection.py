"""A connection as a thread of the web process sees it: nothing more comes than the request that is
there, and what is written never waits."""

from __future__ import annotations

import socket
from io import BytesIO
from typing import Any

from gunicorn import http
from gunicorn.workers.gthread import TConn

from polder.api.incoming import Incoming


class Received(BytesIO):
    """What has come in, as the parser reads it from a socket: piece by piece, for with each chunk
    of a body gunicorn copies all that it has read beyond it. Nothing comes behind it."""

    recv = BytesIO.read


class Outgoing:
    """In the place of the socket, which does not block: keeps what the client does not take yet,
    for the loop to send."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self.unsent = bytearray()
        self.fileno, self.recv, self.shutdown = sock.fileno, sock.recv, sock.shutdown

    def sendall(self, data: bytes) -> None:
        self.unsent += data
        self.flush()

    def flush(self) -> None:
        """Sends as much as is taken. Raises OSError when the client is gone."""
        try:
            while self.unsent:
                del self.unsent[: self._sock.send(self.unsent)]
        except BlockingIOError:
            pass

    def send(self, data: bytes) -> int:
        """gunicorn's own `100 Continue`, which comes when the body is there already."""
        return len(data)

    def close(self) -> None:
        self.unsent.clear()
        self._sock.close()

    def setblocking(self, flag: bool) -> None:
        """It never blocks."""

    def settimeout(self, seconds: float | None) -> None:
        """Nor does it wait."""

    def gettimeout(self) -> float:
        return 0.0


def prepare(conn: TConn, cfg: Any) -> None:
    """Makes a connection that gunicorn has accepted one of the above."""
    conn.sock = Outgoing(conn.sock)
    conn.parser = http.get_parser(cfg, Received(), conn.client)
    conn.initialized = conn.data_ready = True


def begin(conn: TConn, most_body: int) -> None:
    """The next request may have come in behind the last."""
    conn.incoming = Incoming(conn.parser.unreader.take_buffered(), most_body)


def hand_over(conn: TConn) -> None:
    """To a thread, whose parser finds what has come in."""
    conn.parser.unreader.sock = Received(conn.incoming.data)
    conn.incoming.data.clear()


def take_back(conn: TConn) -> None:
    """What the thread has not read; it lies where gunicorn asks whether there is more."""
    unreader = conn.parser.unreader
    unreader.unread(unreader.take_buffered() + unreader.sock.read())
    unreader.sock = Received()


def held_by(conn: TConn) -> int:
    """How many bytes."""
    return len(conn.incoming.data) + len(conn.sock.unsent)
