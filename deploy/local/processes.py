"""What there is to run besides the servers: the processes of the services, and Flower."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from .environment import Environment
from .errors import PolderError
from .ports import HOST, Ports, http_status
from .run_directory import lines_of
from .services import ROLES, processes_of

Check = Callable[[], bool]  # whether a process is ready

# All share one machine: orders that were taken are confirmed before more are taken. When customers
# order without a pause, 95 % are confirmed after 0.48 s instead of 0.88; 6 to 11 % fewer in all.
# A replica is filled beside live events: 95 % of them wait for 42 ms instead of 56.
GIVES_WAY = {"web": "5", "housekeeper": "5"}


@dataclass(frozen=True)
class ProcessSpec:
    """What to run and how. `group` is what `make stop service=` may call it besides its name."""

    name: str
    group: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    is_ready: Check | None  # None: it touches its ready file
    cwd: Path

    def script(self) -> str:
        """What process.sh goes on with. When supervisord dies it is killed, as everything here is
        built to be at any point, unless the command itself says otherwise."""
        program = shlex.join(["setpriv", "--pdeathsig=KILL", "--", *self.command])
        place = shlex.quote(str(self.cwd))
        return f"set -a\n{lines_of(self.environment)}cd {place} && exec {program}\n"


@dataclass(frozen=True)
class Catalogue:
    """Every process of one stack, with its command and variables."""

    environment: Environment
    ports: Ports
    root: Path  # of the checkout
    servers: tuple[str, ...] = ("postgres", "epmd", "rabbitmq")

    def all(self) -> list[ProcessSpec]:
        services = self.environment.services
        return [*(spec for service in services for spec in self.of_service(service)), self.flower()]

    def of_service(self, service: str) -> list[ProcessSpec]:
        port, variables = self.ports[service], self.environment.of_service(service)
        bound = {"web": ("--bind", f"{HOST}:{port}")}
        nice = {role: ("--nice", number) for role, number in GIVES_WAY.items()}
        commands = {
            role: self.manage(service, role, *bound.get(role, ()), *nice.get(role, ()))
            for role in ("web", *ROLES)
        }
        ready = {"web": lambda: http_status(port, "/readyz") == 200}
        return [
            ProcessSpec(
                f"{service}-{role}", service, command, variables, ready.get(role), self.root
            )
            for role, command in commands.items()
        ]

    def flower(self) -> ProcessSpec:
        port = self.ports["flower"]
        options = ["-A", "polder.broker.flower", "flower", f"--address={HOST}", f"--port={port}"]
        return ProcessSpec(
            "flower",
            "flower",
            (sys.executable, "-m", "celery", *options),
            self.environment.of_flower(),
            lambda: http_status(port, "/healthcheck") == 200,
            self.root,
        )

    def manage(self, service: str, *arguments: str) -> tuple[str, ...]:
        return (sys.executable, "manage.py", service, *arguments)

    def resolve(self, name: str) -> list[str]:
        """The processes that `make stop service=` means by a name: a service's, or one, servers
        included. Raises PolderError, listing the known names, for any other."""
        groups = {service: processes_of(service) for service in self.environment.services}
        return resolved(groups, ["flower", *self.servers], name)


def resolved(groups: Mapping[str, list[str]], others: list[str], name: str) -> list[str]:
    """Raises PolderError, listing the known names, for any other."""
    each = [*(one for group in groups.values() for one in group), *others]
    names = {**groups, **{one: [one] for one in each}}
    if name not in names:
        wrong = f"There is no service or process called {name}." if name else "Which one?"
        raise PolderError(f"{wrong} Say service=... with one of:\n  {', '.join(names)}")
    return names[name]
