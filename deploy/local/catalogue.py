"""The processes of the services and Flower: what `make up` starts besides the servers."""

import sys
from dataclasses import dataclass
from pathlib import Path

from .environment import Environment
from .errors import PolderError
from .ports import HOST, Ports
from .process import ProcessSpec
from .rabbitmq import broker_names
from .readiness import http_status, touched
from .services import ROLES


@dataclass(frozen=True)
class Catalogue:
    environment: Environment
    ports: Ports
    root: Path  # of the checkout

    @property
    def servers(self) -> tuple[str, ...]:
        return ("postgres", "epmd", *broker_names(self.environment.brokers))

    def all(self) -> list[ProcessSpec]:
        of_services = [spec for service in self.environment.services for spec in self.of_service(service)]
        return [*of_services, self.flower()]

    def names(self) -> dict[str, list[str]]:
        """The processes under each name that `make stop s=` takes: a service's, or a process's own, servers included."""
        names: dict[str, list[str]] = {}
        for spec in self.all():
            names.setdefault(spec.group, []).append(spec.name)
        each = [spec.name for spec in self.all()] + list(self.servers)
        return names | {name: [name] for name in each}

    def resolve(self, name: str) -> list[str]:
        """The processes that `name` stands for. Raises PolderError, listing the known names, for any other."""
        known = self.names()
        if name not in known:
            problem = f"There is no service or process called {name}." if name else "Which one? Say s=..."
            raise PolderError(f"{problem} There are:\n  {', '.join(known)}")
        return known[name]

    def of_service(self, service: str) -> list[ProcessSpec]:
        return [self._web(service), *(self._role(service, role) for role in ROLES)]

    def manage(self, service: str, *arguments: str) -> tuple[str, ...]:
        return (sys.executable, "manage.py", service, *arguments)

    def _web(self, service: str) -> ProcessSpec:
        port = self.ports.web[service]
        return ProcessSpec(
            name=f"{service}-web",
            group=service,
            command=self.manage(service, "web", "--bind", f"{HOST}:{port}"),
            environment=self.environment.of_service(service),
            is_ready=lambda: http_status(port, "/readyz") == 200,
            cwd=self.root,
        )

    def _role(self, service: str, role: str) -> ProcessSpec:
        name = f"{service}-{role}"
        ready = self.environment.run.ready(name)
        return ProcessSpec(
            name=name,
            group=service,
            command=self.manage(service, role),
            environment=self.environment.of_service(service),
            is_ready=lambda: touched(ready),
            cwd=self.root,
        )

    def flower(self) -> ProcessSpec:
        port = self.ports.flower
        return ProcessSpec(
            name="flower",
            group="flower",
            command=(
                *(sys.executable, "-m", "celery", "-A", "deploy.flower", "flower"),
                *(f"--address={HOST}", f"--port={port}"),
            ),
            environment=self.environment.of_flower(),
            is_ready=lambda: http_status(port, "/") is not None,
            cwd=self.root,
        )
