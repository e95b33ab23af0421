"""What there is to run besides the servers: the processes of the services, and Flower."""

from __future__ import annotations

import shlex
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from .environment import Environment
from .errors import PolderError
from .ports import HOST, Ports
from .readiness import http_status
from .run_directory import RunDirectory
from .services import ROLES, processes_of

SCRIPT = """\
#!/bin/sh
# {name}, as supervisord runs it. Written anew by every `make up`.
printf . >>{starts}
rm -f {ready}.*.ready
echo $$ >{pid}.new && mv {pid}.new {pid}
unset SUPERVISOR_ENABLED SUPERVISOR_PROCESS_NAME SUPERVISOR_GROUP_NAME SUPERVISOR_SERVER_URL
{variables}
export POLDER_READY_FILE={ready}.$$.ready POLDER_PROCESS={name} POLDER_STACK={root}
cd {cwd} || exit
exec setpriv {options} -- {command}
"""


@dataclass(frozen=True)
class ProcessSpec:
    """What to run and how. `group` is what `make stop service=` may call it besides its name."""

    name: str
    group: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    is_ready: Callable[[], bool] | None  # None: it touches its ready file
    cwd: Path
    # What it gets when supervisord dies. Everything here is built to be killed at any point.
    death_signal: signal.Signals = signal.SIGKILL
    account: tuple[str, ...] = ()  # setpriv's options to become another user

    def script(self, run: RunDirectory) -> str:
        options = (*self.account, f"--pdeathsig={self.death_signal.name.removeprefix('SIG')}")
        return SCRIPT.format(
            name=self.name,
            starts=shlex.quote(str(run.starts(self.name))),
            pid=shlex.quote(str(run.pid(self.name))),
            variables="\n".join(
                f"export {name}={shlex.quote(value)}" for name, value in self.environment.items()
            ),
            ready=shlex.quote(str(run.processes / self.name)),
            root=shlex.quote(str(run.root)),
            cwd=shlex.quote(str(self.cwd)),
            options=shlex.join(options),
            command=shlex.join(self.command),
        )


@dataclass(frozen=True)
class Catalogue:
    environment: Environment
    ports: Ports
    root: Path  # of the checkout
    servers: tuple[str, ...] = ("postgres", "epmd", "rabbitmq")

    def all(self) -> list[ProcessSpec]:
        of_services = [
            spec for service in self.environment.services for spec in self.of_service(service)
        ]
        return [*of_services, self.flower()]

    def names(self) -> dict[str, list[str]]:
        """The processes under each name that `make stop service=` takes: a service's, or one,
        servers included."""
        names = {service: processes_of(service) for service in self.environment.services} | {
            "flower": ["flower"]
        }
        each = [*(name for group in names.values() for name in group), *self.servers]
        return names | {name: [name] for name in each}

    def resolve(self, name: str) -> list[str]:
        """The processes that `name` stands for. Raises PolderError, listing the known names, for
        any other."""
        return resolved(self.names(), name)

    def of_service(self, service: str) -> list[ProcessSpec]:
        return [self._web(service), *(self._role(service, role) for role in ROLES)]

    def manage(self, service: str, *arguments: str) -> tuple[str, ...]:
        return (sys.executable, "manage.py", service, *arguments)

    def _web(self, service: str) -> ProcessSpec:
        port = self.ports.web[service]
        command = self.manage(service, "web", "--bind", f"{HOST}:{port}")
        return self._process(
            f"{service}-web", service, command, lambda: http_status(port, "/readyz") == 200
        )

    def _role(self, service: str, role: str) -> ProcessSpec:
        return self._process(f"{service}-{role}", service, self.manage(service, role), None)

    def flower(self) -> ProcessSpec:
        port = self.ports.flower
        command = (
            sys.executable,
            "-m",
            "celery",
            "-A",
            "deploy.flower",
            "flower",
            f"--address={HOST}",
            f"--port={port}",
        )
        return self._process(
            "flower", "flower", command, lambda: http_status(port, "/healthcheck") == 200
        )

    def _process(
        self, name: str, group: str, command: tuple[str, ...], is_ready: Callable[[], bool] | None
    ) -> ProcessSpec:
        variables = (
            self.environment.of_flower()
            if group == "flower"
            else self.environment.of_service(group)
        )
        return ProcessSpec(name, group, command, variables, is_ready, self.root)


def resolved(names: Mapping[str, list[str]], name: str) -> list[str]:
    """Raises PolderError, listing the known names, for any other."""
    if name not in names:
        problem = (
            f"There is no service or process called {name}."
            if name
            else "Which one? Say service=..."
        )
        raise PolderError(f"{problem} There are:\n  {', '.join(names)}")
    return names[name]
