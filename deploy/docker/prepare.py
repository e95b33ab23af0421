"""`python -m deploy.docker.prepare`: what has to be true before the processes start, from within a
container that then ends.

It alone has everybody's passwords; each command gets those of its service. With arguments it runs
one command: `prepare order republish --dry-run`.
"""

from __future__ import annotations

import os
import sys
from functools import partial
from pathlib import Path

import psycopg

from deploy.docker.places import INSIDE
from deploy.docker.secrets import RUN
from deploy.local.environment import Environment
from deploy.local.errors import PolderError
from deploy.local.passwords import Passwords
from deploy.local.postgres import PostgresServer
from deploy.local.preparation import Preparation
from deploy.local.run_directory import RunDirectory
from deploy.local.services import SERVICES
from deploy.local.stack import ROOT
from deploy.local.steps import Steps
from deploy.local.terminal import Terminal

PASSWORDS = Path("/secrets/passwords.json")
OTHER_PASSWORDS = (
    "The data was made with other passwords than those in the volume `secrets`: bring that volume "
    "back,\nor delete the data with all volumes: make reset"
)


def main(arguments: list[str]) -> int:
    run = RunDirectory(RUN)
    run.create()
    passwords = Passwords(PASSWORDS)
    environment = Environment(INSIDE, passwords, SERVICES, os.environ)
    if arguments:
        service, *command = arguments
        variables = environment.of_command(service, (command or ["help"])[0])
        os.execve(sys.executable, [sys.executable, "manage.py", service, *command], variables)  # noqa: S606 - it takes over
    servers = {
        service: PostgresServer(INSIDE[f"{service}-postgres"], passwords, f"{service} postgres")
        for service in SERVICES
    }
    preparation = Preparation(environment, Steps(run, ROOT, Terminal().step), servers.__getitem__)
    try:
        preparation.databases()
        each = preparation.each
        preparation.steps.together(partial(each, "migrate", "access"), partial(each, "topology"))
        preparation.seeded()
    except (PolderError, psycopg.OperationalError) as error:
        print(error)
        if "password authentication failed" in str(error):
            print(OTHER_PASSWORDS)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
