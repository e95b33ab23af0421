"""HTTP over connections that stay open, cheap enough to be on the machine that is measured."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

AWAY = (OSError, http.client.HTTPException)


@dataclass
class KeepAlive:
    """One connection to each service; for one thread. Raises OSError or HTTPException when there
    was no answer."""

    variables: dict[str, str]
    open: dict[str, http.client.HTTPConnection] = field(default_factory=dict)

    def post(self, service: str, path: str, body: bytes, key: str = "") -> tuple[int, bytes]:
        return self._ask("POST", service, path, body, {"Idempotency-Key": key or str(uuid4())})

    def get(self, service: str, path: str) -> Any:
        """The decoded answer; None unless it was 200."""
        status, body = self._ask("GET", service, path, None, {})
        return json.loads(body) if status == 200 else None

    def _ask(
        self, method: str, service: str, path: str, body: bytes | None, headers: dict[str, str]
    ) -> tuple[int, bytes]:
        connection = self.open.get(service)
        if connection is None:
            address = urlsplit(self.variables[f"{service.upper()}_URL"])
            connection = self.open[service] = http.client.HTTPConnection(
                str(address.hostname), address.port, timeout=20
            )
        try:
            mine = {
                "Authorization": f"Api-Key {self.variables['API_KEY']}",
                "Content-Type": "application/json",
            }
            connection.request(method, path, body, mine | headers)
            response = connection.getresponse()
            return response.status, response.read()
        except AWAY:
            connection.close()
            del self.open[service]
            raise
