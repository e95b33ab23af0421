"""A client of RabbitMQ's management API: declaring by PUT, which changes nothing when it is so already."""

from __future__ import annotations

import base64
import json
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from common.broker.nodes import SEPARATOR


class ManagementError(RuntimeError):
    """The management API refused, or could not be reached; says what was asked and what came back."""


class ManagementApi:
    """`url` carries the deploy user's credentials: `http://user:password@host:15672`. It may name several nodes of a cluster, with `;`
    between them: the next one is asked when one cannot be reached."""

    def __init__(self, url: str, vhost: str) -> None:
        nodes = [urlsplit(node.strip()) for node in url.split(SEPARATOR)]
        parts = nodes[0]
        self.bases = [f"{node.scheme}://{node.hostname}:{node.port}/api" for node in nodes]
        self.vhost = vhost
        credentials = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
        self._authorization = "Basic " + base64.b64encode(credentials.encode()).decode()

    def put(self, *path: str, body: dict[str, Any]) -> None:
        """Raises ManagementError."""
        try:
            self.call("PUT", *path, body=body)
        except ManagementError as error:
            if "already_exists" not in str(error):
                raise
            self.call("PUT", *path, body=body)  # somebody else made it at the same moment; now it is there and can be set

    def call(self, method: str, *path: str, body: dict[str, Any] | None = None) -> Any:
        """The decoded answer, or None. `path` segments are quoted here. Raises ManagementError."""
        unreachable: list[str] = []
        for base in list(self.bases):
            url = "/".join([base, *(quote(segment, safe="") for segment in path)])
            try:
                return self._ask(method, url, body)
            except OSError as error:
                unreachable.append(f"{method} {url}: {error}")
                self.bases.append(self.bases.pop(0))
        raise ManagementError(f"{'; '.join(unreachable)}; is RabbitMQ's management plugin enabled and running there?")

    def _ask(self, method: str, url: str, body: dict[str, Any] | None) -> Any:
        """Raises OSError when there was no answer, ManagementError when it was no."""
        request = urllib.request.Request(  # noqa: S310 (the scheme is the deployer's own)
            url,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": self._authorization, "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=30 if len(self.bases) == 1 else 10) as response:  # noqa: S310
                content = response.read()
        except urllib.error.HTTPError as error:
            hint = "; are the user and password of RABBITMQ_MANAGEMENT_URL an administrator's?" if error.code in (401, 403) else ""
            raise ManagementError(f"{method} {url}: {error.code} {error.read().decode(errors='replace')[:500]}{hint}") from error
        return json.loads(content) if content else None
