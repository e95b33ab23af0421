"""`make manage s=order c="republish --since 2h"`: a command of a service, with the variables of the stack that `make up` started here."""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from deploy.local.environment import Environment
from deploy.local.ports import Ports
from deploy.local.services import SERVICES
from deploy.local.stack import ROOT, Stack


def main() -> int:
    parser = argparse.ArgumentParser(prog="make manage", description=__doc__)
    parser.add_argument("service", choices=SERVICES, help="s=")
    parser.add_argument("command", help='c="help", c="republish --since 2h --dry-run", ...')
    parser.add_argument("--run-dir", type=Path, default=ROOT / ".run", help="of the stack (default: .run)")
    options = parser.parse_args()
    told = options.run_dir / "stack.env"
    if not told.exists():
        print("Polder has not been started here. Start it with: make up", file=sys.stderr)
        return 1
    environment = Stack(options.run_dir, ports_of(variables(told.read_text()))).environment
    arguments = shlex.split(options.command) or ["help"]
    given = os.environ | environment_for(environment, options.service, arguments[0])
    return subprocess.run([sys.executable, "manage.py", options.service, *arguments], cwd=ROOT, env=given, check=False).returncode


def variables(text: str) -> dict[str, str]:
    """What a file such as stack.env sets."""
    return {name: value for name, _, value in (" ".join(shlex.split(line)).partition("=") for line in text.splitlines() if line)}


def ports_of(told: Mapping[str, str]) -> Ports:
    """The servers' ports, wherever `make up` put them."""
    return replace(
        Ports.from_environment({}),
        postgres=_port(told[f"{SERVICES[0].upper()}_DATABASE_URL"]),
        rabbitmq=_port(told["AMQP_URL"]),
        rabbitmq_management=_port(told["RABBITMQ_MANAGEMENT_URL"]),
    )


def _port(url: str) -> int:
    port = urlsplit(url).port
    assert port is not None, url.rpartition("@")[2]
    return port


def environment_for(environment: Environment, service: str, command: str) -> dict[str, str]:
    """As the service itself, but for what only the deploy user or the tables' owner may do."""
    if command == "topology":
        return environment.of_topology(service)
    return environment.of_service(service, role="ddl" if command == "migrate" else "app")


if __name__ == "__main__":
    sys.exit(main())
