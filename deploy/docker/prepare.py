"""`python -m deploy.docker.prepare`: what has to be true before the processes start, from within a
container that then ends.

    databases and roles -> migrations -> admin user and API key
    topology: every exchange and queue, before anything is published
    the products of the demo shop, once all of that is there

Every step may be repeated, and is, at every start; none changes what people have decided since. It
alone has everybody's passwords; each command gets those of its service. With arguments it runs one
command: `prepare order republish --dry-run`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import psycopg

from deploy.docker.secrets import inside
from deploy.local.databases import provide
from deploy.local.environment import Environment
from deploy.local.passwords import Passwords
from deploy.local.postgres import superuser_url
from deploy.local.services import SERVICES, seed_order

PASSWORDS = Path("/secrets/passwords.json")
OTHER_PASSWORDS = (
    "The data was made with other passwords than those in the volume `secrets`: bring that volume "
    "back,\n"
    "or delete the data with all volumes: make reset"
)


class StepFailed(Exception):
    """A command ended with an error; the message is what it printed."""


@dataclass(frozen=True)
class Server:
    """One service's PostgreSQL, as its superuser."""

    environment: Environment
    service: str

    def connect(self, database: str = "postgres") -> psycopg.Connection:
        """Raises psycopg.OperationalError."""
        host = self.environment.addresses[f"{self.service}-postgres"]
        password = self.environment.passwords[f"{self.service} postgres"]
        return psycopg.connect(
            superuser_url(password, host, database), autocommit=True, connect_timeout=5
        )


def prepare(environment: Environment) -> None:
    """Raises StepFailed or psycopg.Error."""
    with ThreadPoolExecutor() as threads:
        steps = [
            threads.submit(step, environment, service)
            for service in SERVICES
            for step in (_database, _topology)
        ]
    for step in steps:
        step.result()
    for service in seed_order(SERVICES):
        _manage(environment, service, "seed")


def _database(environment: Environment, service: str) -> None:
    provide(Server(environment, service), environment.passwords, service)
    _manage(environment, service, "migrate")
    _manage(environment, service, "access")


def _topology(environment: Environment, service: str) -> None:
    _manage(environment, service, "topology")


def _manage(environment: Environment, service: str, command: str) -> None:
    began = time.monotonic()
    variables = os.environ | environment.of_command(service, command)
    program = [sys.executable, "manage.py", service, command]
    result = subprocess.run(
        program,
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        raise StepFailed(f"{service}: {command} failed\n{result.stdout}")
    print(f"{service}: {command} {time.monotonic() - began:.1f} s", flush=True)


def main(arguments: list[str]) -> int:
    environment = inside(Passwords(PASSWORDS))
    if arguments:
        service, *command = arguments
        variables = os.environ | environment.of_command(service, (command or ["help"])[0])
        os.execve(sys.executable, [sys.executable, "manage.py", service, *command], variables)  # noqa: S606 - it takes over
    try:
        prepare(environment)
    except StepFailed as failed:
        print(failed)
        return 1
    except psycopg.OperationalError as error:
        print(
            error,
            OTHER_PASSWORDS if "password authentication failed" in str(error) else "",
            sep="\n",
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
