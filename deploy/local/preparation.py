"""What has to be true before the processes may start, as few seconds after each other as it can be.

    PostgreSQL -> databases and roles -> migrations -> admin user and API key
    epmd -> RabbitMQ -> topology: every exchange and queue, before anything is published
    static files

The three lines run at the same time, and the services within a line. Everything may be repeated at every start.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from . import databases
from .catalogue import Catalogue
from .command import CommandRunner
from .environment import Environment
from .postgres import PostgresCluster
from .progress import Progress
from .rabbitmq import RabbitmqNode
from .services import seed_order
from .supervisor import Supervisor
from .together import together

SERVER_READY_SECONDS = 300.0  # what is broken shows by dying; a start beside much other work is only slow


@dataclass(frozen=True)
class Preparation:
    environment: Environment
    catalogue: Catalogue
    postgres: PostgresCluster
    brokers: Sequence[RabbitmqNode]
    supervisor: Supervisor
    command: CommandRunner
    progress: Progress
    cancelled: threading.Event

    def servers(self) -> None:
        """The two servers, with databases and roles."""
        together([self._postgres, self._rabbitmq], self.cancelled)

    def all(self) -> None:
        together([self._databases_migrated, self._messages_routed, self._static_collected], self.cancelled)

    def seeds(self) -> None:
        """Through the use cases, so their events need the running system."""
        for service in seed_order(self.environment.services):
            self._manage(service, "seed", environment=self.environment.of_service(service))

    def _databases_migrated(self) -> None:
        self._postgres()
        self._each(self._migrated)

    def _messages_routed(self) -> None:
        self._rabbitmq()
        self._each(lambda service: self._manage(service, "topology", environment=self.environment.of_topology(service)))

    def _static_collected(self) -> None:
        self._each(lambda service: self._manage(service, "collectstatic", "--noinput", environment=self.environment.of_service(service)))

    def _postgres(self) -> None:
        with self.progress.step("PostgreSQL"):
            self.supervisor.add([self.postgres.prepare(self.command)])
            self.supervisor.wait_ready("postgres", SERVER_READY_SECONDS)
        with self.progress.step("Databases and roles"):
            for service in self.environment.services:
                databases.provide(self.postgres, self.environment, service)

    def _rabbitmq(self) -> None:
        with self.progress.step("RabbitMQ"):
            # All nodes at the same time: one that has data waits for the others.
            for specs in ([self.brokers[0].epmd()], [node.prepare() for node in self.brokers]):
                self.supervisor.add(specs)
                for spec in specs:
                    self.supervisor.wait_ready(spec.name, SERVER_READY_SECONDS * len(specs))

    def _migrated(self, service: str) -> None:
        self._manage(service, "migrate", environment=self.environment.of_service(service, role="ddl"))
        self._manage(service, "access", environment=self.environment.of_access(service))

    def _each(self, step: Callable[[str], None]) -> None:
        steps = [lambda service=service: step(service) for service in self.environment.services]
        together(steps, self.cancelled)

    def _manage(self, service: str, *arguments: str, environment: Mapping[str, str]) -> None:
        name = f"{service}-{arguments[0]}"
        with self.progress.step(f"{service}: {arguments[0]}"):
            self.command(name, self.catalogue.manage(service, *arguments), environment)
