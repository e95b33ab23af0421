"""The processes under the shop, whoever runs them: the native stack's supervisor, or Docker Compose."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from demo.errors import DemoFailed
from deploy.local.control import Control
from deploy.local.ports import Ports
from deploy.local.services import ROLES, SERVICES
from deploy.local.stack import ROOT, Stack

DOCKER_SECONDS = 120


class Processes(Protocol):
    """A service is all of its processes. What runs may be started, what is stopped may be stopped; both return when it is done."""

    def running(self) -> bool:
        """Whether there is a stack at all, be parts of it stopped."""

    def stopped(self) -> list[str]:
        """Processes that were stopped and should run."""

    def stop(self, service: str) -> None: ...
    def start(self, *names: str) -> None:
        """Services or processes."""


def processes_of(run_dir: Path, variables: Mapping[str, str]) -> Processes:
    """By what `STACK` in stack.env says: `docker`, or `native`, which goes without saying."""
    if variables.get("STACK") == "docker":
        return Compose(variables)
    stack = Stack(run_dir, Ports.from_environment({}))  # never started: for its paths and its catalogue of names
    return Native(Control(stack.run, stack.catalogue))


@dataclass(frozen=True)
class Native:
    """As `make stop s=` and `make start s=` do it."""

    control: Control

    def running(self) -> bool:
        return self.control.supervisor() is not None

    def stopped(self) -> list[str]:
        held = {marker.name for marker in self.control.run.held.iterdir()}
        return [state["name"] for state in self.control.states() if state["name"] in held]

    def stop(self, service: str) -> None:
        self.control.stop(self.control.running(service))

    def start(self, *names: str) -> None:
        self.control.start([process for name in names for process in self.control.running(name)])


@dataclass(frozen=True)
class Compose:
    """Compose services are called `<service>-<role>`; broker and databases are reached through published ports."""

    variables: Mapping[str, str]

    def running(self) -> bool:
        address = urlsplit(self.variables["AMQP_URL"])
        try:
            socket.create_connection((str(address.hostname), address.port or 5672), timeout=2).close()
        except OSError:
            return False
        return True

    def stopped(self) -> list[str]:
        should = [process for service in SERVICES for process in _processes(service)]
        # Of all containers: what `ps` of Compose 1.29 lists, and how, is too different from what 2 does.
        label = '{{.Label "com.docker.compose.service"}}'
        up = _docker(["docker", "ps", "--filter", "status=running", "--format", label]).split()
        return [process for process in should if process not in up]

    def stop(self, service: str) -> None:
        _docker([*_compose(), "stop", *_processes(service)])

    def start(self, *names: str) -> None:
        _docker([*_compose(), "start", *(process for name in names for process in (_processes(name) if name in SERVICES else [name]))])


def _processes(service: str) -> list[str]:
    return [f"{service}-{role}" for role in ("web", *ROLES)]


def _compose() -> list[str]:
    """Compose is a plugin of docker; up to 1.29 it was a program of its own."""
    plugin = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode == 0
    if not plugin and shutil.which("docker-compose") is None:
        raise DemoFailed("The stack runs in Docker Compose, and there is neither `docker compose` nor `docker-compose` here.")
    return ["docker", "compose"] if plugin else ["docker-compose"]


def _docker(command: list[str]) -> str:
    """In the directory of compose.yaml, out of reach of Ctrl-C: it has to come to its end."""
    result = subprocess.run(
        command, cwd=ROOT, env=os.environ, capture_output=True, text=True, check=False, timeout=DOCKER_SECONDS, start_new_session=True
    )
    if result.returncode != 0:
        raise DemoFailed(f"`{' '.join(command)}` ended with status {result.returncode}:\n{result.stderr.strip()}")
    return result.stdout
