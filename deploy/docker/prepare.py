"""`python -m deploy.docker.prepare`: what has to be true before the processes start, from within a container that then ends.

    databases and roles -> migrations -> admin user and API key
    topology: every exchange and queue, before anything is published
    the products of the demo shop, once all of that is there

Every step may be repeated, and is, at every start. It alone has everybody's passwords; each command gets those of its service.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psycopg

from deploy.docker.files import inside
from deploy.docker.secrets import FromVariables
from deploy.local.databases import provide
from deploy.local.environment import Environment
from deploy.local.postgres import SUPERUSER
from deploy.local.run_directory import RunDirectory
from deploy.local.services import SERVICES, seed_order
from deploy.local.together import together


class StepFailed(Exception):
    """A command ended with an error; it has printed what."""


@dataclass(frozen=True)
class Server:
    """One service's PostgreSQL, as its superuser."""

    environment: Environment
    service: str

    def connect(self, database: str = "postgres") -> psycopg.Connection:
        """Raises psycopg.OperationalError."""
        password = self.environment.passwords[f"{self.service} postgres"]
        host = self.environment.addresses[f"{self.service}-postgres"]
        return psycopg.connect(f"postgres://{SUPERUSER}:{password}@{host}/{database}", autocommit=True, connect_timeout=5)


@dataclass(frozen=True)
class Preparation:
    environment: Environment
    machine: Mapping[str, str]  # what every command gets

    def all(self) -> None:
        """Raises StepFailed or psycopg.Error."""
        steps = [partial(step, service) for service in SERVICES for step in (self._databases, self._topology)]
        together(steps, threading.Event())
        for service in seed_order(SERVICES):
            self._manage(service, "seed", self.environment.of_service(service))

    def _databases(self, service: str) -> None:
        provide(Server(self.environment, service), self.environment, service)
        self._manage(service, "migrate", self.environment.of_service(service, role="ddl"))
        self._manage(service, "access", self.environment.of_access(service))

    def _topology(self, service: str) -> None:
        self._manage(service, "topology", self.environment.of_topology(service))

    def _manage(self, service: str, command: str, variables: Mapping[str, str]) -> None:
        began = time.monotonic()
        result = subprocess.run(
            [sys.executable, "manage.py", service, command],
            env={**self.machine, **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if result.returncode != 0:
            raise StepFailed(f"{service}: {command} failed\n{result.stdout}")
        print(f"{service}: {command} {time.monotonic() - began:.1f} s", flush=True)


def main() -> int:
    machine = {name: value for name, value in os.environ.items() if not name.startswith("PASSWORD_")}
    environment = inside(RunDirectory(Path(machine["POLDER_RUN_DIR"])), FromVariables(os.environ))
    try:
        Preparation(environment, machine).all()
    except StepFailed as failed:
        print(failed)
        return 1
    except psycopg.OperationalError as error:
        print(error)
        if "password authentication failed" in str(error):
            print("The volumes were made with other passwords than those in .run: bring that file back, or delete the data (make reset).")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
