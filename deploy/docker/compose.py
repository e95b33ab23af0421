"""The make targets for the shop in containers: Compose's own, with the names that people use."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from deploy.docker.places import published
from deploy.local.errors import PolderError
from deploy.local.ports import taken
from deploy.local.processes import resolved
from deploy.local.run_directory import RunDirectory, write_private
from deploy.local.services import SERVICES, processes_of
from deploy.local.stack import ROOT
from deploy.local.terminal import Terminal

ANSWER_SECONDS = 20.0
READY_SECONDS = 600.0
HEALTH = "{{if .State.Health}}{{.State.Health.Status}}{{end}}"
# the plugin of today; the program of yesterday, as Debian 12 has it
CALLS = (("docker", "compose"), ("docker-compose",))


class NoDocker(PolderError):
    """Docker cannot be used; the message says what is missing."""


def containers(name: str) -> list[str]:
    """What `make stop service=` means by a name: a service's, all databases, or one. Raises
    PolderError for any other."""
    groups = {service: processes_of(service) for service in SERVICES}
    groups["postgres"] = [f"{service}-postgres" for service in SERVICES]
    return resolved(groups, ["flower", "rabbitmq"], name)


@dataclass(frozen=True)
class Compose:
    """Of the checkout's compose.yaml, called as this machine has it. Each target returns the status
    to exit with, or raises PolderError."""

    call: tuple[str, ...]
    version: str
    run: RunDirectory
    terminal: Terminal

    @classmethod
    def found(cls, run: RunDirectory, terminal: Terminal) -> Compose:
        """Raises NoDocker."""
        if shutil.which("docker") is None:
            raise NoDocker("there is no docker command here")
        engine = _ask("docker", "version", "--format", "{{.Server.Version}}")
        if "permission denied" in engine.stderr.lower():
            raise NoDocker("Docker's socket is closed to this user")
        if engine.returncode != 0:
            raise NoDocker("no Docker engine answers")
        for call in CALLS:
            answer = _ask(*call, "version", "--short")
            if answer.returncode == 0:
                return cls(call, answer.stdout.strip().lstrip("v"), run, terminal)
        raise NoDocker(
            "Docker answers, but has no Compose (the package docker-compose-plugin or "
            "docker-compose)"
        )

    def up(self, environ: Mapping[str, str]) -> int:
        """Returns when everything is healthy, and leaves it running."""
        if not self._is_running() and (problems := taken(published(environ))):
            raise PolderError("\n".join(f"{problem}." for problem in problems))
        has_wait = not self.version.startswith("1.")
        if self._run("up", "--build", "--wait" if has_wait else "--detach") != 0 or not (
            has_wait or self._healthy()
        ):
            raise PolderError(
                "Compose could not start it; see above, and `make logs`. Without Docker: make up "
                "STACK=native"
            )
        self.run.root.mkdir(exist_ok=True)
        variables = self._output("run", "--rm", "--no-deps", "-T", "secrets", "show")
        write_private(self.run.stack_env, variables)
        self.terminal.addresses(self.run.stack_env)
        self.terminal.say("  It runs until: make down\n")
        return 0

    def status(self) -> int:
        return self._run("ps")

    def logs(self, name: str) -> int:
        return self._run("logs", "--follow", "--tail=20", *(containers(name) if name else ()))

    def change(self, what: str, name: str) -> int:
        """`what` is stop or start, which returns when all that was started is healthy."""
        names = containers(name)
        status = self._run(what, *names)
        if what == "start" and status == 0 and not self._healthy(*names):
            raise PolderError(f"It was started and is not ready: make logs service={name}")
        return status

    def down(self, *options: str) -> int:
        return self._run("down", "--remove-orphans", *options)

    def manage(self, service: str, command: Sequence[str]) -> int:
        """In the container that has what the command needs, as whom it has to run."""
        return self._run("run", "--rm", "--no-deps", "prepare", service, *command)

    def require_stopped(self) -> None:
        if self._is_running():
            raise PolderError("Polder runs here, in containers. Stop it first with: make down")

    def delete(self) -> None:
        self.down("--volumes")

    def _is_running(self) -> bool:
        return bool(self._output("ps", "-q"))

    def _healthy(self, *names: str) -> bool:
        """Compose 1 has no --wait, nor has `start`: ask until no container is starting."""
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            ids = self._output("ps", "-q", *names).split()
            states = _ask("docker", "inspect", "--format", HEALTH, *ids).stdout.split()
            if ids and set(states) <= {"healthy"}:
                return True
            time.sleep(1)
        return False

    def _run(self, *arguments: str) -> int:
        return subprocess.run([*self.call, *arguments], cwd=ROOT, check=False).returncode

    def _output(self, *arguments: str) -> str:
        command = [*self.call, *arguments]
        result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if result.returncode != 0:
            raise PolderError(f"`{' '.join(command)}` failed: {result.stderr.strip()}")
        return result.stdout


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
