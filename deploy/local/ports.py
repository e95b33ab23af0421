"""The ports of one stack, all on 127.0.0.1."""

from __future__ import annotations

import json
import random
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Self

import psutil

from .errors import PolderError
from .services import SERVICES

HOST = "127.0.0.1"
FIRST_WEB_PORT = 8001
# Those of the servers are eight above the usual ones. All are below the range from which Linux
# takes the ports of outgoing connections (32768 and up): any client could hold one of those.
SERVERS = {
    "flower": ("FLOWER_PORT", 5555),
    "postgres": ("POSTGRES_PORT", 5440),
    "rabbitmq": ("RABBITMQ_PORT", 5680),
    "rabbitmq_management": ("RABBITMQ_MANAGEMENT_PORT", 15680),
    "rabbitmq_prometheus": ("RABBITMQ_PROMETHEUS_PORT", 15700),
    "rabbitmq_dist": ("RABBITMQ_DIST_PORT", 25680),
    "epmd": ("EPMD_PORT", 4377),
}
FREE_RANGE = range(20_000, 32_000)


@dataclass(frozen=True)
class Ports:
    """Immutable; `web` has one port per service."""

    web: Mapping[str, int]
    flower: int
    postgres: int
    rabbitmq: int
    rabbitmq_management: int
    rabbitmq_prometheus: int
    rabbitmq_dist: int
    epmd: int

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Self:
        """The default ports, each replaced by its variable if that is set. Raises PolderError for
        no port number."""
        return cls._of(SERVICES, partial(read, environ))

    @classmethod
    def free(cls, services: Sequence[str] = SERVICES) -> Self:
        """Ports that nothing listens on now, drawn at random so that stacks starting together do
        not meet."""
        drawn = (port for port in random.sample(FREE_RANGE, len(FREE_RANGE)) if _is_free(port))
        return cls._of(services, lambda variable, default: next(drawn))

    @classmethod
    def _of(cls, services: Sequence[str], port: Callable[[str, int], int]) -> Self:
        web = {
            service: port(f"{service.upper()}_PORT", FIRST_WEB_PORT + position)
            for position, service in enumerate(services)
        }
        return cls(web=web, **{name: port(*variable) for name, variable in SERVERS.items()})

    @classmethod
    def recorded(cls, path: Path) -> Self:
        """Those that `make up` used last; the default ones if it never did."""
        return cls.from_environment(json.loads(path.read_text()) if path.exists() else {})

    def write(self, path: Path) -> None:
        """For `recorded`."""
        path.write_text(json.dumps({name: str(port) for name, port in self.by_variable().items()}))

    def by_variable(self) -> dict[str, int]:
        """Each port under the name of the environment variable that changes it."""
        web = {f"{service.upper()}_PORT": port for service, port in self.web.items()}
        return {**web, **{variable: getattr(self, name) for name, (variable, _) in SERVERS.items()}}

    def addresses(self) -> dict[str, str]:
        """Where each process listens, under its name; the services share one PostgreSQL."""
        return {
            **{f"{service}-web": f"{HOST}:{port}" for service, port in self.web.items()},
            **{f"{service}-postgres": f"{HOST}:{self.postgres}" for service in self.web},
            "rabbitmq": f"{HOST}:{self.rabbitmq}",
            "rabbitmq-management": f"{HOST}:{self.rabbitmq_management}",
            "rabbitmq-prometheus": f"{HOST}:{self.rabbitmq_prometheus}",
            "flower": f"{HOST}:{self.flower}",
        }


def taken(by_variable: Mapping[str, int]) -> list[str]:
    """For each port that cannot be had: who holds it, and what to do."""
    found: list[str] = []
    variable_of: dict[int, str] = {}
    for variable, port in by_variable.items():
        if other := variable_of.get(port):
            found.append(f"Port {port} is given to both {other} and {variable}. Give each its own")
        elif not _is_free(port):
            found.append(
                f"Port {port} is taken {_listener_on(port)}. "
                f"Choose another: make up {variable}={port + 10}"
            )
        variable_of[port] = variable
    return found


def read(environ: Mapping[str, str], variable: str, default: int) -> int:
    """The port that the variable says, or the default. Raises PolderError for no port number."""
    text = environ.get(variable) or str(default)
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 65536):
        raise PolderError(f"{variable}={text} is not a port number (1 to 65535).")
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
