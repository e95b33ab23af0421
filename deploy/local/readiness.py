"""Whether somebody answers on a port."""

import http.client
import socket
from collections.abc import Mapping

from .ports import HOST

PATIENCE_SECONDS = 2.0


def accepts(port: int, host: str = HOST) -> bool:
    """Whether something listens on the port."""
    try:
        socket.create_connection((host, port), PATIENCE_SECONDS).close()
    except OSError:
        return False
    return True


def http_status(
    port: int, path: str, headers: Mapping[str, str] | None = None, *, host: str = HOST
) -> int | None:
    """The status a GET is answered with; None without an answer."""
    connection = http.client.HTTPConnection(host, port, timeout=PATIENCE_SECONDS)
    try:
        connection.request("GET", path, headers=dict(headers or {}))
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
