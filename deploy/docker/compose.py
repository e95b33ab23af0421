"""The commands behind the make targets, for the shop in containers: Compose's own, with the names
that people use."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy.docker.places import published_ports
from deploy.local.errors import PolderError
from deploy.local.ports import taken
from deploy.local.processes import resolved
from deploy.local.run_directory import variables_of, write_private
from deploy.local.services import SERVICES, processes_of
from deploy.local.terminal import Terminal, address_table

ANSWER_SECONDS = 20.0
READY_SECONDS = 600.0
# the plugin of today; the program of yesterday, as Debian 12 has it
CALLS = (("docker", "compose"), ("docker-compose",))


class NoDocker(PolderError):
    """Docker cannot be used; the message says what is missing."""


def names() -> dict[str, list[str]]:
    """The containers under each name that `make stop service=` takes: a service's, all databases,
    or one."""
    groups = {
        **{service: processes_of(service) for service in SERVICES},
        "postgres": [f"{service}-postgres" for service in SERVICES],
    }
    each = [*(name for group in groups.values() for name in group), "flower", "rabbitmq"]
    return groups | {name: [name] for name in each}


@dataclass(frozen=True)
class Compose:
    """Of the compose.yaml in `root`, called as this machine has it."""

    root: Path
    call: tuple[str, ...]
    version: str

    @classmethod
    def found(cls, root: Path) -> Compose:
        """Raises NoDocker."""
        if shutil.which("docker") is None:
            raise NoDocker("there is no docker command here")
        engine = _ask("docker", "version", "--format", "{{.Server.Version}}")
        if engine.returncode != 0:
            closed = "permission denied" in engine.stderr.lower()
            raise NoDocker(
                "Docker's socket is closed to this user" if closed else "no Docker engine answers"
            )
        for call in CALLS:
            answer = _ask(*call, "version", "--short")
            if answer.returncode == 0:
                return cls(root, call, answer.stdout.strip().lstrip("v"))
        raise NoDocker(
            "Docker answers, but has no Compose (the package docker-compose-plugin or "
            "docker-compose)"
        )

    def up(self, run_dir: Path, terminal: Terminal) -> int:
        """Returns when everything is healthy, and leaves it running."""
        if not self._output("ps", "-q") and (problems := taken(published_ports(os.environ))):
            raise PolderError("\n".join(f"{problem}." for problem in problems))
        has_wait = int(self.version.partition(".")[0]) >= 2
        if self.run("up", "--build", *(["--wait"] if has_wait else ["--detach"])) != 0 or not (
            has_wait or self._healthy()
        ):
            raise PolderError(
                "Compose could not start it; see above, and `make logs`. Without Docker: make up "
                "STACK=native"
            )
        run_dir.mkdir(exist_ok=True)
        write_private(
            run_dir / "stack.env", self._output("run", "--rm", "--no-deps", "-T", "secrets", "show")
        )
        terminal.say()
        terminal.say(address_table(variables_of(run_dir / "stack.env")))
        terminal.say(
            f"\n  All of it for scripts: {run_dir / 'stack.env'}\n  It runs until: make down\n"
        )
        return 0

    def status(self) -> int:
        return self.run("ps")

    def logs(self, name: str) -> int:
        return self.run("logs", "--follow", "--tail=20", *(resolved(names(), name) if name else ()))

    def stop(self, name: str) -> int:
        return self.run("stop", *resolved(names(), name))

    def start(self, name: str) -> int:
        return self.run("start", *resolved(names(), name))

    def down(self, *, data: bool = False) -> int:
        return self.run("down", "--remove-orphans", *(["--volumes"] if data else []))

    def manage(self, service: str, arguments: Sequence[str]) -> int:
        """In the container that has what the command needs, as whom it has to run."""
        return self.run("run", "--rm", "--no-deps", "prepare", service, *arguments)

    def is_running(self) -> bool:
        return bool(self._output("ps", "-q"))

    def run(self, *arguments: str) -> int:
        try:
            return subprocess.run([*self.call, *arguments], cwd=self.root, check=False).returncode
        except KeyboardInterrupt:
            return 130

    def _output(self, *arguments: str) -> str:
        result = subprocess.run(
            [*self.call, *arguments], cwd=self.root, capture_output=True, text=True, check=False
        )
        if result.returncode != 0:
            raise PolderError(
                f"`{' '.join([*self.call, *arguments])}` failed: {result.stderr.strip()}"
            )
        return result.stdout

    def _healthy(self) -> bool:
        """Compose 1 has no --wait: ask until no container is starting."""
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            ids = self._output("ps", "-q").split()
            inspected = json.loads(_ask("docker", "inspect", *ids).stdout or "[]")
            health = {one["State"].get("Health", {}).get("Status", "healthy") for one in inspected}
            if health <= {"healthy"}:
                return True
            time.sleep(1)
        return False


def _ask(*command: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=ANSWER_SECONDS,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return subprocess.CompletedProcess(command, 1, "", str(error))
