"""What has to be true before the processes may start, in containers and without.

    databases and roles -> migrations -> admin user and API key
    topology: every exchange and queue, before anything is published
    static files
    the products of the demo shop, last

Everything may be repeated at every start: it makes sure that something is there, and changes
nothing that people have decided since.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from . import databases
from .environment import Environment
from .postgres import PostgresServer
from .steps import Steps


@dataclass(frozen=True)
class Preparation:
    environment: Environment
    steps: Steps
    server: Callable[[str], PostgresServer]  # the one of a service

    def databases(self) -> None:
        with self.steps.shown("Databases and roles"):
            for service in self.environment.services:
                databases.provide(self.server(service), self.environment.passwords, service)

    def seeded(self) -> None:
        """Through the use cases: what they publish waits for whoever does not run yet. Inventory
        first: the others' seeds refer to its products."""
        for service in sorted(self.environment.services, key=lambda one: one != "inventory"):
            self._manage(service, "seed")

    def each(self, *commands: str) -> None:
        """All services at the same time, each one command after the other."""
        services = self.environment.services
        self.steps.together(*(partial(self._manage, service, *commands) for service in services))

    def _manage(self, service: str, *commands: str) -> None:
        for command in commands:
            name, *options = command.split()
            variables: Mapping[str, str] = self.environment.of_command(service, name)
            program = [sys.executable, "manage.py", service, name, *options]
            with self.steps.shown(f"{service}: {name}"):
                self.steps.run(f"{service}-{name}", program, variables)
