"""The ports of one stack, all on 127.0.0.1, and whether somebody answers there."""

from __future__ import annotations

import http.client
import json
import random
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

import psutil

from .errors import PolderError
from .services import SERVICES

HOST = "127.0.0.1"
# Of the web processes, by their services. Those of the servers are eight above the usual ones. All
# are below the range from which Linux takes the ports of outgoing connections (32768 and up): any
# client could hold one of those.
WEB = {service: 8001 + position for position, service in enumerate(SERVICES)}
SERVERS = {
    "flower": 5555,
    "postgres": 5440,
    "rabbitmq": 5680,
    "rabbitmq-management": 15680,
    "rabbitmq-prometheus": 15700,
    "rabbitmq-dist": 25680,
    "epmd": 4377,
}
FREE_RANGE = range(20_000, 32_000)
PATIENCE_SECONDS = 2.0


class Ports(dict[str, int]):
    """By the name of who listens there; a service stands for its web process."""

    @classmethod
    def from_environment(
        cls, environ: Mapping[str, str], defaults: Mapping[str, int] = {**WEB, **SERVERS}
    ) -> Self:
        """The default ports, each replaced by its variable if that is set. Raises PolderError for
        no port number."""
        return cls({name: read(environ, variable(name), port) for name, port in defaults.items()})

    @classmethod
    def free(cls, services: Sequence[str] = SERVICES) -> Self:
        """Ports that nothing listens on now, drawn at random so that stacks starting together do
        not meet."""
        drawn = (port for port in random.sample(FREE_RANGE, len(FREE_RANGE)) if _is_free(port))
        return cls(zip([*services, *SERVERS], drawn, strict=False))

    @classmethod
    def recorded(cls, path: Path) -> Self:
        """Those that `make up` used last; the default ones if it never did."""
        return cls.from_environment(json.loads(path.read_text()) if path.exists() else {})

    def write(self, path: Path) -> None:
        """For `recorded`."""
        path.write_text(json.dumps({name: str(port) for name, port in self.by_variable().items()}))

    def by_variable(self) -> dict[str, int]:
        return {variable(name): port for name, port in self.items()}

    def addresses(self) -> dict[str, str]:
        return {name: f"{HOST}:{port}" for name, port in self.items()}


def variable(name: str) -> str:
    """The environment variable that changes the port."""
    return f"{name}_port".upper().replace("-", "_")


def taken(ports: Ports) -> list[str]:
    """For each port that cannot be had: who holds it, and what to do."""
    found: list[str] = []
    given: dict[int, str] = {}
    for name, port in ports.by_variable().items():
        if other := given.get(port):
            found.append(f"Port {port} is given to both {other} and {name}. Give each its own")
        elif not _is_free(port):
            found.append(
                f"Port {port} is taken {_listener_on(port)}. "
                f"Choose another: make up {name}={port + 10}"
            )
        given[port] = name
    return found


def read(environ: Mapping[str, str], name: str, default: int) -> int:
    """The port that the variable says, or the default. Raises PolderError for no port number."""
    text = environ.get(name) or str(default)
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 65536):
        raise PolderError(f"{name}={text} is not a port number (1 to 65535).")
    return int(text)


def _listener_on(port: int) -> str:
    try:
        for one in psutil.net_connections("tcp"):
            if one.pid and one.status == psutil.CONN_LISTEN and one.laddr[1:] == (port,):
                return f"by {' '.join(psutil.Process(one.pid).cmdline())[:60]} (pid {one.pid})"
    except (psutil.Error, OSError):
        pass
    return "(by a process that we may not see; `sudo ss -ltnp` tells)"


def _is_free(port: int) -> bool:
    with socket.socket() as attempt:
        # As the servers do it: connections of a server that has just stopped do not count.
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind((HOST, port))
        except OSError:
            return False
        return True


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
