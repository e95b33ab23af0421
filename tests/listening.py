"""Who is posted to in a test, at an address of this machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Self


class Listener:
    """`url` is where it listens. `answer` is called for each request, in a thread of its own, with
    its body; until then nothing was sent back."""

    def __init__(self) -> None:
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                listener.answer(self, self.rfile.read(length))

            do_GET = do_POST

            def log_message(self, *_: Any) -> None: ...

            def handle(self) -> None:
                with suppress(OSError):  # who was kept waiting has gone
                    super().handle()

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def answer(self, request: BaseHTTPRequestHandler, body: bytes) -> None:
        raise NotImplementedError

    @contextmanager
    def listening(self) -> Iterator[Self]:
        Thread(target=self._server.serve_forever, daemon=True).start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
