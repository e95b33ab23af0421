"""gunicorn's threaded worker, but that no client can hold a thread: its loop reads requests and
sends what is left of answers.

A thread gets a request when all of it is there, and is rid of the answer at once, however slowly
the client takes it. A request has the `receive_seconds` of the server to come in, an answer
SEND_SECONDS to go out.
Whoever waits longest, or holds most, gives way when connections or memory run short; while all
threads are busy, requests wait for one as long as they are no more than memory takes. /livez, and
/readyz with /metrics, have a thread each which nobody else uses.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from http import HTTPStatus
from selectors import EVENT_READ, EVENT_WRITE
from socket import SHUT_WR
from typing import Any

from django.conf import settings
from gunicorn.workers.gthread import TConn, ThreadWorker

from polder.api.connection import begin, hand_over, held_by, prepare, take_back
from polder.api.incoming import Refused
from polder.api.plain_answers import plain_problem, status_of

SEND_SECONDS, LINGER_SECONDS = 60.0, 2.0
READS_AT_ONCE = 4  # of one connection, and then the others have their turn
# bytes, of requests that are not whole and answers that are not sent; as many again of requests
# that wait for a thread, or have one
MOST_HELD = 64 * 1024 * 1024
PROBES = re.compile(rb"(?:GET|HEAD) (?:(/livez)|/readyz|/metrics)[ ?]")

Step = Callable[[TConn], None]


class BufferingWorker(ThreadWorker):
    """The `worker_class` of the web process. Connections are in one place at a time: with a thread,
    kept alive, or watched here."""

    def init_process(self) -> None:
        # until when, and what then; the oldest first
        self.watched: dict[TConn, tuple[float, Step]] = {}
        self.handed_over = 0  # bytes
        self.alive_pool, self.status_pool = ThreadPoolExecutor(1), ThreadPoolExecutor(1)
        super().init_process()

    def accept(self, listener: Any) -> None:
        if self.nr_conns >= self.worker_connections - 1:
            self._make_room()
        super().accept(listener)

    def enqueue_req(self, conn: TConn) -> None:
        """Of a connection that is new, or readable again, or has the next request in its buffer."""
        self._safely(self._begin, conn)

    def _begin(self, conn: TConn) -> None:
        if conn.parser is None:
            prepare(conn, self.cfg)
        begin(conn, settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
        self._receive(conn)

    def _receive(self, conn: TConn) -> None:
        try:
            whole = conn.incoming.whole() or self._read(conn)
        except BlockingIOError:
            whole = False
        except Refused as refused:
            self._refuse(conn, refused.status)
            return
        if whole:
            self._hand_over(conn)
        else:
            self._await_rest(conn)

    def _read(self, conn: TConn) -> bool:
        """Whether the request is whole now. Raises BlockingIOError when nothing more has come,
        Refused, and OSError."""
        for _ in range(READS_AT_ONCE):
            data = conn.sock.recv(65536)
            if not data:
                raise ConnectionResetError
            conn.incoming.data += data
            if conn.incoming.whole():
                return True
        return False

    def _await_rest(self, conn: TConn) -> None:
        if conn not in self.watched:
            self._watch(conn, EVENT_READ, self._receive, self.app.receive_seconds, self._too_slow)
        if conn.incoming.expects_continue:
            conn.incoming.expects_continue = False
            conn.sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        self._bound_memory()

    def _hand_over(self, conn: TConn) -> None:
        self._unwatch(conn)
        size, probe = len(conn.incoming.data), PROBES.match(conn.incoming.data)
        if probe is None and self.handed_over + size > MOST_HELD:
            self._refuse(conn, HTTPStatus.SERVICE_UNAVAILABLE)
            return
        self.handed_over += size
        pool = self.tpool if probe is None else self.alive_pool if probe[1] else self.status_pool
        hand_over(conn)
        future = pool.submit(self.handle, conn)
        future.add_done_callback(
            lambda done: self.method_queue.defer(self._handed_back, conn, size, done)
        )

    def _handed_back(self, conn: TConn, size: int, fs: Future[Any]) -> None:
        self.handed_over -= size
        take_back(conn)
        self.finish_request(conn, fs)

    def finish_request(self, conn: TConn, fs: Future[Any] | None) -> None:
        """The thread is done with it; what it wrote may not be sent yet. No future: the connection
        was refused."""
        self._safely(self._answered, conn, fs)

    def _answered(self, conn: TConn, fs: Future[Any] | None) -> None:
        if not conn.sock.unsent:
            self._finished(conn, fs)
        else:
            self._watch(
                conn, EVENT_WRITE, lambda conn: self._send(conn, fs), SEND_SECONDS, self._close
            )
            self._bound_memory()

    def _send(self, conn: TConn, fs: Future[Any] | None) -> None:
        conn.sock.flush()
        if not conn.sock.unsent:
            self._unwatch(conn)
            self._finished(conn, fs)

    def _finished(self, conn: TConn, fs: Future[Any] | None) -> None:
        if fs and not fs.exception() and fs.result():
            super().finish_request(conn, fs)  # kept alive
            return
        # what the client still sends is read and dropped, lest it lose the answer (RFC 9112, 9.6)
        conn.sock.shutdown(SHUT_WR)
        self._watch(conn, EVENT_READ, self._drop, LINGER_SECONDS, self._close)

    def _drop(self, conn: TConn) -> None:
        try:
            gone = not conn.sock.recv(65536)
        except BlockingIOError:
            return
        if gone:
            self._close(conn)

    def _too_slow(self, conn: TConn) -> None:
        if conn.incoming.data:
            self._refuse(conn, HTTPStatus.REQUEST_TIMEOUT)
        else:
            self._close(conn)

    def _refuse(self, conn: TConn, status: HTTPStatus) -> None:
        self._unwatch(conn)
        conn.incoming.data.clear()
        conn.sock.sendall(plain_problem(status))
        self._answered(conn, None)

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """A request that gunicorn cannot read, or that failed outside Django, as a problem. What it
        said names people and holds keys, so none of that is logged."""
        status = status_of(exc)
        is_ours = status == HTTPStatus.INTERNAL_SERVER_ERROR
        self.log.log(
            logging.ERROR if is_ours else logging.WARNING,
            "A request from %s was answered %d: %s",
            addr[0],
            status,
            type(exc).__name__,
            exc_info=exc if is_ours else None,
        )
        client.sendall(plain_problem(status))

    def murder_pending(self) -> None:
        """Once each turn of the loop, which is once a second at least."""
        now = time.monotonic()
        for conn, (until, then) in list(self.watched.items()):
            if until <= now and conn in self.watched:
                self._safely(then, conn)

    def _cap_keepalive(self, deadline: float) -> None:
        """It is to stop: nobody's half request is waited for."""
        super()._cap_keepalive(deadline)
        self.watched = {
            conn: (min(until, deadline) if then == self._too_slow else until, then)
            for conn, (until, then) in self.watched.items()
        }

    def _make_room(self) -> None:
        if self.watched:
            self._close(next(iter(self.watched)))
        elif self.keepalived_conns:
            conn = self.keepalived_conns.popleft()
            self.poller.unregister(conn.sock)
            self._close(conn)

    def _bound_memory(self) -> None:
        while sum(map(held_by, self.watched)) > MOST_HELD:
            self._close(max(self.watched, key=held_by))

    def _watch(self, conn: TConn, event: int, step: Step, seconds: float, then: Step) -> None:
        def seen(_: Any) -> None:
            if conn in self.watched:  # another step of the same turn may have closed it
                self._safely(step, conn)

        self.poller.register(conn.sock, event, seen)
        self.watched[conn] = (time.monotonic() + seconds, then)

    def _unwatch(self, conn: TConn) -> None:
        if self.watched.pop(conn, None):
            self.poller.unregister(conn.sock)

    def _safely(self, step: Callable[..., None], conn: TConn, *more: Any) -> None:
        """Whatever goes wrong in the loop ends the connection that it is about, never the
        process.
        """
        try:
            step(conn, *more)
        except OSError:  # the client is gone
            self._close(conn)
        except Exception:
            self.log.exception("A connection ends, for its step failed")
            self._close(conn)

    def _close(self, conn: TConn) -> None:
        self._unwatch(conn)
        self.nr_conns -= 1
        conn.close()
