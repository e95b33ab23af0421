"""What a customer's program and a warehouse's keep open to a service."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4


class Connection:
    """To one service, by its URL, kept open. Answers are status and decoded body."""

    def __init__(self, url: str, api_key: str) -> None:
        address = urlsplit(url)
        self._http = http.client.HTTPConnection(str(address.hostname), address.port, timeout=60)
        self._headers = {"Authorization": f"Api-Key {api_key}", "Content-Type": "application/json"}

    def get(self, path: str) -> tuple[int, Any]:
        return self._ask("GET", path, None, {})

    def post(self, path: str, body: object) -> tuple[int, Any]:
        return self._ask("POST", path, json.dumps(body), {"Idempotency-Key": str(uuid4())})

    def _ask(
        self, method: str, path: str, body: str | None, headers: Mapping[str, str]
    ) -> tuple[int, Any]:
        try:
            self._http.request(method, path, body, self._headers | dict(headers))
            response = self._http.getresponse()
        except (http.client.RemoteDisconnected, ConnectionError):
            self._http.close()  # kept open for too long
            self._http.request(method, path, body, self._headers | dict(headers))
            response = self._http.getresponse()
        content = response.read()
        return response.status, json.loads(content) if content else None
