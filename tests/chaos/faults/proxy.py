"""A TCP proxy that behaves badly. It marks its own connections, so that a redirection of all others
leads to it and not in a circle."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self

MARK = 77
MOST_AT_ONCE = 1 << 20
Send = Callable[[bytes], None]
# Called with what has come, how many bytes the connection has carried before, and a function that
# sends on.
Behaviour = Callable[[bytes, int, Send], None]


def slow(seconds: float) -> Behaviour:
    """What has come is sent on so many seconds later, all of it."""

    def behave(chunk: bytes, carried: int, send: Send) -> None:
        time.sleep(seconds)
        send(chunk)

    return behave


def reset_after(count: int) -> Behaviour:
    """The connection is reset once it has carried so many bytes, in the middle of whatever that
    is.
    """

    def behave(chunk: bytes, carried: int, send: Send) -> None:
        send(chunk[: max(0, count - carried)])
        if carried + len(chunk) > count:
            raise ConnectionResetError

    return behave


def trickle(seconds: float) -> Behaviour:
    """One byte in so many seconds."""

    def behave(chunk: bytes, carried: int, send: Send) -> None:
        for byte in chunk:
            time.sleep(seconds)
            send(bytes([byte]))

    return behave


class Proxy:
    """Listens on a port of its own while it is entered and carries every connection on to
    127.0.0.1:`port`."""

    def __init__(self, port: int, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self._target = ("127.0.0.1", port)
        self._server = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self._closing = False

    @property
    def port(self) -> int:
        return int(self._server.getsockname()[1])

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Refuses new connections and resets those there are. May run twice."""
        self._closing = True
        self._server.close()
        for connection in self._open:
            _reset(connection)
        self._open.clear()

    def _accept(self) -> None:
        while not self._closing:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._carry, args=(client,), daemon=True).start()

    def _carry(self, client: socket.socket) -> None:
        server = socket.socket()
        server.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, MARK)
        try:
            server.connect(self._target)
        except OSError:
            _reset(client)
            return
        self._open += [client, server]
        carried = [0]
        for source, target in ((client, server), (server, client)):
            threading.Thread(target=self._pump, args=(source, target, carried), daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket, carried: list[int]) -> None:
        try:
            while chunk := source.recv(MOST_AT_ONCE):
                self.behaviour(chunk, carried[0], target.sendall)
                carried[0] += len(chunk)
        except OSError:
            pass
        _reset(source)
        _reset(target)


def _reset(connection: socket.socket) -> None:
    """Closed with a reset instead of a farewell."""
    with suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.shutdown(socket.SHUT_RD)  # wakes whoever reads, and sends nothing
    connection.close()
