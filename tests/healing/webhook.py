"""Who hears of alarms in a test, by Alertmanager's webhook."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any


class Webhook:
    """`firing`: by alarm and labels, since when it has been heard, by the monotonic clock."""

    def __init__(self) -> None:
        self.firing: dict[tuple[str, str], float] = {}
        webhook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                webhook._hear(told["alerts"])
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: Any) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/"

    @contextmanager
    def listening(self) -> Iterator[Webhook]:
        Thread(target=self._server.serve_forever, daemon=True).start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()

    def heard(self, name: str, since: float) -> float | None:
        """Seconds from then until the alarm was heard; None when it is not on."""
        found = [at for (alarm, _), at in list(self.firing.items()) if alarm == name]
        return max(0.0, min(found) - since) if found else None

    def names(self) -> set[str]:
        return {name for name, _ in list(self.firing)}

    def _hear(self, alerts: list[dict[str, Any]]) -> None:
        for alert in alerts:
            key = (alert["labels"]["alertname"], json.dumps(alert["labels"], sort_keys=True))
            if alert["status"] == "firing":
                self.firing.setdefault(key, time.monotonic())
            else:
                self.firing.pop(key, None)
