"""The shop in containers under one run directory: from nothing to ready, and back."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from pathlib import Path

from deploy.docker import catalogue
from deploy.docker.client import Client, Container
from deploy.docker.engine import Engine, NoDocker
from deploy.docker.files import outside, write_files
from deploy.docker.pids import PidFiles
from deploy.local.command import CommandRunner
from deploy.local.environment import Environment
from deploy.local.errors import Cancelled, StepFailed
from deploy.local.lock import SupervisorLock
from deploy.local.passwords import Passwords
from deploy.local.ports import require_free
from deploy.local.progress import Progress
from deploy.local.run_directory import RunDirectory
from deploy.local.together import together

READY_SECONDS = 180.0
POLL_SECONDS = 0.5
BROKEN_RESTARTS = 3


class DockerStack:
    """The containers of one project, started and stopped by this process. They do not die with it: `restart` and `down` are Docker's."""

    def __init__(self, run: RunDirectory, client: Client, progress: Progress) -> None:
        self.run = run
        self.client = client
        self._progress = progress
        self._cancelled = threading.Event()
        self._begun = threading.Event()  # every container has been started
        self._command = CommandRunner(run, client.root, self._cancelled)
        self._lock = SupervisorLock(run.lock)
        self._pids = PidFiles(run, client)

    @classmethod
    def at(cls, run_dir: Path, root: Path, engine: Engine, ports: dict[str, int], progress: Progress) -> DockerStack:
        run = RunDirectory(run_dir.resolve())
        return cls(run, Client(engine, root, run.root / "docker", ports), progress)

    @property
    def environment(self) -> Environment:
        return outside(self.run, Passwords(self.run.passwords), self.client.environment)

    def start(self) -> None:
        """Bring everything up; returns when every container is ready. What runs already is taken over.

        Raises NoDocker when the images cannot be had, before anything was started; any other PolderError (AlreadyRunning,
        PortTaken, StepFailed, Cancelled) with everything stopped.
        """
        self.run.create()
        self._lock.acquire()
        try:
            if not self.client.running():
                require_free(self.client.ports)
            write_files(self.run, self.client.environment)
            self._images()
        except BaseException:
            self._lock.release()
            raise
        try:
            together([self._up, self._watch], self._cancelled)
        except BaseException:
            self.stop()
            raise

    def wait(self) -> None:
        """Block until `cancel` is called, and keep the pid files true meanwhile."""
        self._pids.follow(self._cancelled)

    def cancel(self) -> None:
        """Make a `start` or `wait` that is under way give up soon. May be called from a signal handler."""
        self._cancelled.set()

    def stop(self) -> None:
        """Remove the containers; the volumes with the data stay. Then let go of the run directory."""
        self._cancelled.set()
        with self._progress.step("Stop everything"):
            self.remove()
        self._lock.release()

    def remove(self, *, data: bool = False) -> None:
        """`docker compose down`; with `data` the volumes go too. Raises StepFailed."""
        command = CommandRunner(self.run, self.client.root, threading.Event())
        options = ["--remove-orphans", *(["--volumes"] if data else [])]
        command("compose-down", self.client.compose("down", *options), self.client.environment)
        self._pids.remove()

    def stop_processes(self, names: Sequence[str]) -> None:
        self._compose("stop", *names)

    def start_processes(self, names: Sequence[str]) -> None:
        """Returns when they are ready. May run twice."""
        self._compose("up", "--detach", "--no-deps", "--no-recreate", "--no-build", *names)
        self._begun.set()
        self._wait_ready(names)

    # --- inside --------------------------------------------------------------------------------------------------

    def _images(self) -> None:
        """Have the servers' images, and build ours. Raises NoDocker when one cannot be had."""
        for image in catalogue.server_images(self.client.root):
            if not self.client.has_image(image):
                with self._progress.step(f"Pull {image}"):
                    self._obtain("pull", ["docker", "pull", "--quiet", image])
        with self._progress.step("Build the image"):
            self._obtain("build", self.client.compose("build", catalogue.ONE_SHOT))

    def _obtain(self, name: str, command: Sequence[str]) -> None:
        try:
            self._command(f"compose-{name}", command, self.client.environment)
        except StepFailed as failed:
            last = next((line for line in reversed(failed.tail) if line.strip()), "it says nothing")
            raise NoDocker(f"an image cannot be had ({last.strip()}; all of it: {failed.log})") from failed

    def _up(self) -> None:
        try:
            self._compose("up", "--detach", "--remove-orphans", "--no-build")
        except StepFailed as failed:
            # Compose says only which container failed; that container says why.
            for one in self.client.containers():
                if _broken(one) or one.health == "unhealthy" or one.restarts:
                    raise self._failed(one, f"{one.process} failed.") from failed
            raise
        self._begun.set()

    def _watch(self) -> None:
        for title, names in (
            ("PostgreSQL, one per service", catalogue.DATABASES),
            ("RabbitMQ", ("rabbitmq",)),
            ("Databases, topology, access, products", (catalogue.ONE_SHOT,)),
            *((f"{group}: ready" if len(names) == 1 else f"{group}: processes ready", names) for group, names in catalogue.PROCESSES.items()),
        ):
            with self._progress.step(title):
                self._wait_ready(names)

    def _wait_ready(self, names: Sequence[str]) -> None:
        deadline = time.monotonic() + READY_SECONDS
        pending: list[str] = list(names)
        while pending:
            if self._cancelled.is_set():
                raise Cancelled("interrupted")
            found = {one.process: one for one in self.client.containers(names)}
            for one in found.values() if self._begun.is_set() else ():
                if _broken(one):
                    raise self._failed(one, f"{one.process} ended with status {one.exit_status} instead of becoming ready.")
            pending = [name for name in names if not (name in found and _settled(found[name]))]
            if pending and time.monotonic() > deadline:
                raise self._failed(found.get(pending[0]), f"{', '.join(pending)} did not become ready within {READY_SECONDS:.0f} s.")
            time.sleep(POLL_SECONDS)

    def _failed(self, one: Container | None, message: str) -> StepFailed:
        said = [f"the health check says: {one.said}"] if one and one.said else []
        tail = self.client.last_lines(one) if one else []
        return StepFailed(message, log=self.run.log("compose-up"), tail=[*tail, *said])

    def _compose(self, *arguments: str) -> None:
        self._command(f"compose-{arguments[0]}", self.client.compose(*arguments), self.client.environment)


def _settled(one: Container) -> bool:
    if one.process == catalogue.ONE_SHOT:
        return one.state == "exited" and one.exit_status == 0
    return one.ready


def _broken(one: Container) -> bool:
    if one.process == catalogue.ONE_SHOT:
        return one.state == "exited" and one.exit_status != 0
    return one.state == "exited" or (not one.ready and one.restarts >= BROKEN_RESTARTS)
