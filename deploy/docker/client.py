"""Compose and the engine, as far as they are needed here."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from deploy.docker.engine import Engine
from deploy.local.errors import PolderError

PATIENCE_SECONDS = 30.0


@dataclass(frozen=True)
class Container:
    """One container of the project; `process` is its name in compose.yaml, `pid` its id on this machine."""

    id: str
    process: str
    state: str  # created, running, restarting, exited, ...
    health: str  # starting, healthy, unhealthy; "" without a health check
    said: str  # by the last health check
    pid: int | None
    since: float
    restarts: int
    exit_status: int

    @property
    def ready(self) -> bool:
        return self.state == "running" and self.health in ("healthy", "")


@dataclass(frozen=True)
class Client:
    """Talks about one project: the containers made from the compose.yaml in `root`, with the files in `files`."""

    engine: Engine
    root: Path
    files: Path
    ports: Mapping[str, int]

    @property
    def project(self) -> str:
        """As Compose itself would call it, so that `docker compose` typed by hand means the same containers."""
        return os.environ.get("COMPOSE_PROJECT_NAME") or re.sub(r"[^-_a-z0-9]", "", self.root.name.lower()).lstrip("-_") or "polder"

    @property
    def environment(self) -> dict[str, str]:
        ports = {variable: str(port) for variable, port in self.ports.items()}
        return {**os.environ, **ports, "POLDER_FILES": str(self.files), "COMPOSE_PROJECT_NAME": self.project}

    def compose(self, *arguments: str) -> list[str]:
        """The command line of `docker compose ...`, to be run in `root` with `environment`."""
        return [*self.engine.compose, "--file", str(self.root / "compose.yaml"), *arguments]

    def containers(self, processes: Sequence[str] = ()) -> list[Container]:
        """Those of these processes, or all, in the order of their names. Raises PolderError when the engine has stopped answering."""
        listing = ["docker", "ps", "--all", "--quiet", "--filter", f"label=com.docker.compose.project={self.project}"]
        listing += ["--filter", "label=com.docker.compose.oneoff=False"]
        ids = self._output(listing).split()
        found = [_container(one) for one in json.loads(self._output(["docker", "inspect", *ids]))] if ids else []
        return sorted((one for one in found if not processes or one.process in processes), key=lambda one: one.process)

    def running(self) -> bool:
        return any(one.state in ("running", "restarting") for one in self.containers())

    def last_lines(self, container: Container, lines: int = 30) -> list[str]:
        """Of what it has printed."""
        command = ["docker", "logs", "--tail", str(lines), container.id]
        result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
        return result.stdout.splitlines()

    def has_image(self, name: str) -> bool:
        return subprocess.run(["docker", "image", "inspect", name], capture_output=True, check=False).returncode == 0

    def _output(self, command: Sequence[str]) -> str:
        try:
            result = subprocess.run(
                command,
                capture_output=True,
                text=True,
                timeout=PATIENCE_SECONDS,
                stdin=subprocess.DEVNULL,
                check=False,
                start_new_session=True,  # Ctrl-C is for us to answer
            )
        except subprocess.TimeoutExpired:
            raise PolderError(f"Docker has not answered for {PATIENCE_SECONDS:.0f} s: {' '.join(command[:2])}") from None
        if result.returncode != 0 and "no such object" not in result.stderr.lower():  # one that has just been removed
            raise PolderError(f"Docker answers no more: {result.stderr.strip()}")
        return result.stdout


def _container(inspected: dict[str, Any]) -> Container:
    state = inspected["State"]
    health = state.get("Health") or {}
    log = health.get("Log") or [{"Output": ""}]
    began = state["StartedAt"] if state["Running"] else state["FinishedAt"]
    return Container(
        id=inspected["Id"],
        process=inspected["Config"]["Labels"]["com.docker.compose.service"],
        state=state["Status"],
        health=health.get("Status", "") if state["Running"] else "",
        said=log[-1]["Output"].strip(),
        pid=state["Pid"] or None,
        since=datetime.fromisoformat(began[:19] + "+00:00").timestamp(),
        restarts=inspected["RestartCount"],
        exit_status=state["ExitCode"],
    )
