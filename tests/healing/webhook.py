"""Who hears of alarms in a test, by Alertmanager's webhook."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.blackbox.shop import Unexpected, until
from tests.listening import Listener


class Webhook(Listener):
    """`firing`: by alarm and labels, since when it has been heard, by the monotonic clock."""

    def __init__(self) -> None:
        super().__init__()
        self.firing: dict[tuple[str, str], float] = {}

    def answer(self, request: BaseHTTPRequestHandler, body: bytes) -> None:
        self._hear(json.loads(body)["alerts"])
        request.send_response(200)
        request.end_headers()

    def heard(self, name: str, since: float) -> float | None:
        """Seconds from then until the alarm was heard; None when it is not on."""
        found = [at for (alarm, _), at in list(self.firing.items()) if alarm == name]
        return max(0.0, min(found) - since) if found else None

    def names(self) -> set[str]:
        return {name for name, _ in list(self.firing)}

    def until_nothing_is_wrong(self, seconds: float = 300.0) -> None:
        """Raises AssertionError with what still is."""
        with suppress(Unexpected):
            until(lambda: not self.firing, "nothing is wrong", seconds)
        assert not self.firing, list(self.firing)

    def _hear(self, alerts: list[dict[str, Any]]) -> None:
        for alert in alerts:
            key = (alert["labels"]["alertname"], json.dumps(alert["labels"], sort_keys=True))
            if alert["status"] == "firing":
                self.firing.setdefault(key, time.monotonic())
            else:
                self.firing.pop(key, None)
