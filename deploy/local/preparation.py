"""What has to be true before the processes may start, as few seconds after each other as it can be.

    PostgreSQL -> databases and roles -> migrations -> admin user and API key
    epmd -> RabbitMQ -> topology: every exchange and queue, before anything is published
    static files

The three lines run at the same time, and the services within a line. Everything may be repeated at
every start: it makes sure that something is there, and changes nothing that people have decided
since.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from . import databases
from .services import seed_order

if TYPE_CHECKING:
    from .stack import Stack

# what is broken shows by dying; a start beside much other work is only slow
SERVER_READY_SECONDS = 300.0


@dataclass(frozen=True)
class Preparation:
    stack: Stack

    def servers(self) -> None:
        """The two servers, with databases and roles."""
        self.stack.steps.together(self._postgres, self._rabbitmq)

    def all(self) -> None:
        self.stack.steps.together(
            self._databases_migrated, self._messages_routed, self._static_collected
        )

    def seeds(self) -> None:
        """Through the use cases, so their events need the running system."""
        for service in seed_order(self.stack.services):
            self._manage("seed", service)

    def _databases_migrated(self) -> None:
        self._postgres()
        self._each(self._migrated)

    def _messages_routed(self) -> None:
        self._rabbitmq()
        self._each(partial(self._manage, "topology"))

    def _static_collected(self) -> None:
        self._each(lambda service: self._manage("collectstatic", service, "--noinput"))

    def _postgres(self) -> None:
        with self.stack.progress.step("PostgreSQL"):
            self.stack.supervise([self.stack.postgres.prepare(self.stack.steps)])
            self.stack.wait_supervised(["postgres"], SERVER_READY_SECONDS)
        with self.stack.progress.step("Databases and roles"):
            for service in self.stack.services:
                databases.provide(self.stack.postgres, self.stack.environment.passwords, service)

    def _rabbitmq(self) -> None:
        with self.stack.progress.step("RabbitMQ"):
            # All nodes at the same time: one that has data waits for the others.
            for specs in (
                [self.stack.rabbitmq.epmd()],
                [node.prepare() for node in self.stack.brokers],
            ):
                self.stack.supervise(specs)
                self.stack.wait_supervised(
                    [spec.name for spec in specs], SERVER_READY_SECONDS * len(specs)
                )

    def _migrated(self, service: str) -> None:
        self._manage("migrate", service)
        self._manage("access", service)

    def _each(self, step: Callable[[str], None]) -> None:
        self.stack.steps.together(*(partial(step, service) for service in self.stack.services))

    def _manage(self, command: str, service: str, *arguments: str) -> None:
        variables: Mapping[str, str] = self.stack.environment.of_command(service, command)
        with self.stack.progress.step(f"{service}: {command}"):
            program = self.stack.catalogue.manage(service, command, *arguments)
            self.stack.steps.run(f"{service}-{command}", program, variables)
