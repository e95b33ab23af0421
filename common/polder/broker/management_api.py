"""A client of RabbitMQ's management API: declaring by PUT, which changes nothing when it is so
already."""

from __future__ import annotations

import base64
import json
import ssl
import urllib.error
import urllib.request
from http.client import HTTPException, IncompleteRead, RemoteDisconnected
from typing import Any
from urllib.parse import quote, urlsplit

from polder.configuration.nodes import authority, credentials, management_urls


class ManagementError(RuntimeError):
    """The management API refused, or could not be reached; says what was asked and what came
    back.
    """


_WRONG_PLACE = "is that the address of RabbitMQ's management API (port 15672, as a rule)?"
PORTS = {"http": 15672, "https": 15671}


class ManagementRefused(ManagementError):
    """The user or the password is not the right one, or the user may not do it."""


class ManagementApi:
    """`url` carries the deploy user's credentials: `http://user:password@host:15672`. It may name
    several nodes of a cluster, with `;` between them: the next one is asked when one cannot be
    reached. No proxy is used, no redirect is followed, and with `https://` the other side has to
    prove who it is."""

    def __init__(self, url: str, vhost: str, timeout: float | None = None) -> None:
        """Raises WrongAddress."""
        self.bases = [_base(node) for node in management_urls(url)]
        self.vhost = vhost
        self.timeout = timeout or (30 if len(self.bases) == 1 else 10)
        self.user, password = credentials(url)
        self._authorization = (
            "Basic " + base64.b64encode(f"{self.user}:{password}".encode()).decode()
        )
        is_proven = any(base.startswith("https:") for base in self.bases)
        # without a use, the authorities would be half of what a look at the broker costs
        trusted = ssl.create_default_context(cafile=authority(url)) if is_proven else None
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}),
            urllib.request.HTTPSHandler(context=trusted),
            _NoRedirect,
        )

    def put(self, *path: str, body: dict[str, Any]) -> None:
        """Raises ManagementError."""
        try:
            self.call("PUT", *path, body=body)
        except ManagementError as error:
            if "already_exists" not in str(error):
                raise
            # somebody else made it at the same moment; now it is there and can be set
            self.call("PUT", *path, body=body)

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
        raise ManagementError(
            f"{'; '.join(unreachable)}; is RabbitMQ's management plugin enabled and running there, "
            "and is that its address?"
        )

    def get(self, *path: str) -> Any:
        """What is there, or None. Raises ManagementError."""
        try:
            return self.call("GET", *path)
        except ManagementError as error:
            if isinstance(error.__cause__, urllib.error.HTTPError) and error.__cause__.code == 404:
                return None
            raise

    def _ask(self, method: str, url: str, body: dict[str, Any] | None) -> Any:
        """Raises OSError when there was no answer, ManagementError when it was no."""
        request = urllib.request.Request(  # noqa: S310 (the scheme is the deployer's own)
            url,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": self._authorization, "Content-Type": "application/json"},
        )
        try:
            with self._opener.open(request, timeout=self.timeout) as response:
                content = response.read()
        except urllib.error.HTTPError as error:
            said = f"{method} {url}: {error.code} {error.read().decode(errors='replace')[:500]}"
            if error.code in (401, 403):
                raise ManagementRefused(
                    f"{said}; user {self.user} is not let in, or may not do this: is it an "
                    "administrator's?"
                ) from error
            if error.code == 404:
                said += f"; has this RabbitMQ the vhost {self.vhost}?"
            raise ManagementError(said) from error
        except (RemoteDisconnected, IncompleteRead) as error:
            raise ConnectionError(f"{method} {url}: broken off: {error!r}") from error
        except HTTPException as error:
            raise ManagementError(f"{method} {url}: no HTTP: {error!r}; {_WRONG_PLACE}") from error
        try:
            return json.loads(content) if content else None
        except ValueError as error:
            raise ManagementError(f"{method} {url}: no JSON; {_WRONG_PLACE}") from error


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """It would take the password along."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _base(url: str) -> str:
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in str(parts.hostname) else parts.hostname
    path = parts.path.rstrip("/")  # of a management plugin that is served below one
    return f"{parts.scheme}://{host}:{parts.port or PORTS[parts.scheme]}{path}/api"
