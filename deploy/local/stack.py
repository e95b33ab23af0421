"""The whole system under one run directory: from nothing to ready, and back."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil
from filelock import FileLock, Timeout

from . import packages, preflight
from .environment import Environment
from .errors import AlreadyRunning, PolderError, ProcessFailed, Refused
from .passwords import Passwords
from .ports import Ports
from .postgres import PostgresCluster
from .preparation import Preparation
from .processes import Catalogue, ProcessSpec
from .progress import Progress, Silent
from .rabbitmq import RabbitmqNode, broker_names
from .run_directory import RunDirectory, lines_of, write_private
from .services import SERVICES, processes_of
from .steps import Steps
from .supervisord import Seen, Supervisor, end_leftovers, is_running

ROOT = Path(__file__).resolve().parents[2]
READY_SECONDS = 600.0  # of one that is disturbed on purpose, something else may strike meanwhile
REFUSED_SECONDS = 5.0
DEATHS_THAT_ARE_ENOUGH = 4
POLL_SECONDS = 0.2
STATES = {
    "STOPPED": "stopped",
    "STOPPING": "stopping",
    "RUNNING": "running",
    "STARTING": "starting",
}


@dataclass(frozen=True)
class ProcessView:
    """A supervised process as it was a moment ago."""

    name: str
    state: str  # stopped, starting, running, stopping, waiting (died; will be started again)
    pid: int | None
    since: float
    restarts: int


class Stack:
    """PostgreSQL, RabbitMQ and the processes of the services, under a supervisord that is a child
    of this process.

    `extra` is added to the environment of every process of the services. Of several `brokers` a
    cluster is made. A stack starts once and stops once; the data stays in `run_dir` for the next
    one. Everything ends with this process, even by SIGKILL.
    """

    def __init__(
        self,
        run_dir: Path,
        ports: Ports,
        services: Sequence[str] = SERVICES,
        *,
        root: Path = ROOT,
        extra: Mapping[str, str] | None = None,
        brokers: int = 1,
        progress: Progress | None = None,
    ) -> None:
        self.run = RunDirectory(run_dir.resolve())
        self.ports = ports
        self.services = tuple(services)
        passwords = Passwords(self.run.passwords)
        self.environment = Environment(
            self.run.root, ports.addresses(), passwords, self.services, extra or {}, brokers
        )
        servers = ("postgres", "epmd", *broker_names(brokers))
        self.catalogue = Catalogue(self.environment, ports, root, servers)
        self.postgres = PostgresCluster(self.run, ports.postgres, passwords)
        self.brokers = [
            RabbitmqNode(self.run, ports, passwords, number, brokers)
            for number in range(1, brokers + 1)
        ]
        self.rabbitmq = self.brokers[0]
        self.steps = Steps(self.run, root)
        self.progress = progress or Silent()
        self._root = root
        self._lock = FileLock(self.run.lock, thread_local=False)
        shop = [*(name for service in self.services for name in processes_of(service)), "flower"]
        self._supervisor = Supervisor(
            self.run,
            {"postgres": servers[:1], "epmd": servers[1:2], "broker": servers[2:], "shop": shop},
        )
        self._specs: dict[str, ProcessSpec] = {}

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.stop()

    # --- starting and stopping
    # -----------------------------------------------------------------------------------

    def start(self, *, seed: bool = True) -> None:
        """Bring everything up; returns when every process is ready and, with `seed`, the seed data
        is in.

        Raises PolderError (AlreadyRunning, StepFailed, ProcessFailed, Cancelled, ...) with
        everything stopped.
        """
        self._begin()
        try:
            preparation = Preparation(self)
            preparation.all()
            self.start_processes()
            if seed:
                preparation.seeds()
        except BaseException:
            self.stop()
            raise

    def start_servers(self) -> None:
        """PostgreSQL and RabbitMQ with their databases and roles only; nothing of the services.
        Raises like `start`."""
        self._begin()
        try:
            Preparation(self).servers()
        except BaseException:
            self.stop()
            raise

    def start_processes(self) -> None:
        """Start the services' processes and wait until each is ready; the second half of
        `start`.
        """
        specs = self.catalogue.all()
        self.supervise(specs)
        for group in dict.fromkeys(spec.group for spec in specs):
            with self.progress.step(
                f"{group}: processes ready" if group in self.services else f"{group}: ready"
            ):
                self.wait_supervised(
                    [spec.name for spec in specs if spec.group == group], READY_SECONDS
                )

    def stop(self, *, patient: bool = True) -> None:
        """Stop everything in good order: who works first, the servers last. Does nothing on a stack
        not started.

        Not `patient`, everything is killed: quick, for a run directory that will be thrown away.
        """
        self.steps.cancel()
        if not self._lock.is_locked:
            return
        try:
            if self._supervisor.running:
                with self.progress.step("Stop everything"):
                    self._supervisor.close(patient=patient)
            self._supervisor.close()
        finally:
            (self.run.root / "up.pid").unlink(missing_ok=True)
            self._lock.release()

    def cancel(self) -> None:
        """Make a `start` or `wait` that is under way give up soon. May be called from a signal
        handler."""
        self.steps.cancel()

    def wait(self) -> None:
        """Block until `cancel` is called. Raises PolderError when supervisord ends by itself."""
        while not self.steps.cancelled:
            if not self._supervisor.running:
                raise PolderError(
                    "supervisord has ended, and everything with it. Its log: "
                    f"{self.run.log('supervisord')}"
                )
            time.sleep(POLL_SECONDS)

    # --- looking at it and disturbing it
    # -------------------------------------------------------------------------

    def process(self, name: str) -> ProcessView:
        """`order-worker`, `postgres`, ...: its pid, state, restarts. Raises KeyError for an unknown
        name."""
        return self._view(name, self._supervisor.api.seen()[name])

    def processes(self) -> list[ProcessView]:
        """Those that were started, be it that some are stopped now."""
        return [
            self._view(name, one)
            for name, one in self._supervisor.api.seen().items()
            if self.run.script(name).exists()
        ]

    def children(self, name: str) -> list[int]:
        """The ids of the processes that a process has begun itself, oldest first: a worker's pool,
        say."""
        pid = self.process(name).pid
        found = psutil.Process(pid).children() if pid is not None else []
        return [
            one.pid
            for one in sorted(found, key=lambda one: one.create_time())
            if is_running(one.pid)
        ]

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal to a process; after SIGKILL, return when it is dead. It is started again
        with back-off.

        Raises ProcessLookupError when it is dead already.
        """
        pid = self.process(name).pid
        if pid is None:
            raise ProcessLookupError(f"{name} does not run")
        os.kill(pid, number)
        while number == signal.SIGKILL and is_running(pid):
            time.sleep(POLL_SECONDS / 10)

    def forgive(self, name: str) -> None:
        """Start a process (or all of a service) again without back-off: it was killed on
        purpose.
        """
        seen = self._supervisor.api.seen()
        for process in self._names(name):
            if seen[process].state == "BACKOFF":
                self._supervisor.api.stop([process])
            if seen[process].state in ("BACKOFF", "FATAL"):
                self._supervisor.api.start(process)

    def wait_ready(self, name: str, seconds: float = READY_SECONDS) -> None:
        """Wait until a process, or each one of a service, is ready (again). Raises ProcessFailed
        when it is not in time.

        It may die meanwhile, as PostgreSQL does as long as a session of the one before it, killed,
        still ends.
        """
        self.wait_supervised(self._names(name), seconds, whatever_they_die_of=True)

    def stop_process(self, name: str) -> None:
        """Stop a process, or all of a service, and keep it down; returns when it has ended. May run
        twice."""
        self._supervisor.api.stop(self._names(name))

    def cut_down(self, *names: str) -> None:
        """Kill processes at the same time and keep them down, as when their machines are gone;
        `start_process` starts them again."""
        pids = [pid for name in names if (pid := self.process(name).pid) is not None]
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)  # so that none notices that it shall stop
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        self._supervisor.api.stop(names)

    def start_process(self, *names: str, seconds: float = READY_SECONDS) -> None:
        """Start what `stop_process` or `cut_down` stopped; returns when it is ready. May run
        twice.
        """
        processes = [process for name in names for process in self._names(name)]
        for process in processes:
            if not self.process(process).pid:
                self.run.starts(process).unlink(missing_ok=True)
            self._supervisor.api.start(process)
        self.wait_supervised(processes, seconds, whatever_they_die_of=True)

    def log(self, name: str) -> Path:
        """The log of a process, or of a step such as `order-migrate`."""
        return self.run.log(name)

    def manage(self, service: str, *arguments: str) -> str:
        """Run `manage.py <service> ...` as the service itself and return what it printed. Raises
        CalledProcessError."""
        return subprocess.run(
            self.catalogue.manage(service, *arguments),
            cwd=self._root,
            env=self.environment.of_service(service),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        ).stdout

    @classmethod
    def running_in(cls, run_dir: Path) -> Self:
        """For another terminal: what `make up` has started there, to be looked at, stopped and
        started in parts. Raises PolderError."""
        run = RunDirectory(run_dir.resolve())
        stack = cls(run.root, Ports.recorded(run.ports))
        if not stack._supervisor.api.answers():
            raise PolderError("Polder does not run here. Start it with: make up")
        stack._specs = {spec.name: spec for spec in stack.catalogue.all()}
        return stack

    # --- for those who start it
    # ----------------------------------------------------------------------------------

    def supervise(self, specs: Sequence[ProcessSpec]) -> None:
        """Begin them; from now on they are kept running."""
        for spec in specs:
            write_private(self.run.script(spec.name), spec.script(self.run))
            self._specs[spec.name] = spec
            self._supervisor.api.start(spec.name)

    def wait_supervised(
        self, names: Sequence[str], seconds: float, *, whatever_they_die_of: bool = False
    ) -> None:
        """Raises ProcessFailed when it takes longer or, unless they may, one dies again and again;
        Cancelled, Refused."""
        since, refused_since = time.monotonic(), 0.0
        before = {name: self._restarts(name) for name in names}
        pending = list(names)
        while pending:
            self.steps.check()
            seen = self._supervisor.api.seen()
            try:
                pending = [name for name in pending if not self._is_ready(name, seen[name])]
                refused_since = 0.0
            except Refused:  # a server that only begins may not know its users yet
                refused_since = refused_since or time.monotonic()
                if time.monotonic() - refused_since > REFUSED_SECONDS:
                    raise
            for name in pending:
                deaths = self._restarts(name) - before[name]
                if deaths >= DEATHS_THAT_ARE_ENOUGH and not whatever_they_die_of:
                    raise self._failure(
                        name, f"{name} has ended {deaths} times instead of becoming ready."
                    )
            if pending and time.monotonic() - since > seconds:
                raise self._failure(
                    pending[0], f"{', '.join(pending)} did not become ready within {seconds:.0f} s."
                )
            time.sleep(POLL_SECONDS if pending else 0)

    def _failure(self, name: str, message: str) -> ProcessFailed:
        fix = preflight.disk_is_full(self.run.logs)
        if name.startswith("rabbitmq"):
            fix = (
                fix
                or "Was its data made by another version of RabbitMQ? See docs/operations.md, "
                "“Another RabbitMQ, older data”."
            )
        return ProcessFailed(message, log=self.run.log(name), tail=self.run.tail(name), fix=fix)

    def _is_ready(self, name: str, seen: Seen) -> bool:
        if not seen.alive or seen.pid is None:
            return False
        spec = self._specs.get(name)
        if spec is None:  # a server, seen from another process
            return True
        return spec.is_ready() if spec.is_ready else self.run.ready(name, seen.pid).exists()

    def _view(self, name: str, seen: Seen) -> ProcessView:
        state = STATES.get(seen.state, "waiting")
        if seen.alive:
            state = "running" if self._is_ready(name, seen) else "starting"
        return ProcessView(name, state, seen.pid, seen.since, max(0, self._restarts(name)))

    def _restarts(self, name: str) -> int:
        starts = self.run.starts(name)
        return starts.stat().st_size - 1 if starts.exists() else 0

    def _holder(self) -> str:
        known = self.run.root / "up.pid"
        return known.read_text().strip() if known.exists() else "unknown"

    def _begin(self) -> None:
        self.run.create()
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            raise AlreadyRunning(
                f"Polder already runs here (process {self._holder()}). See `make status`; stop it "
                "with `make down`."
            ) from None
        try:
            if ended := end_leftovers(self.run):
                self.progress.note(f"Ended what an earlier run left behind: {ended} processes")
            (self.run.root / "up.pid").write_text(f"{os.getpid()}\n")
            preflight.check(self.run, self.ports)
            packages.provide(self.steps, self.progress)
            self.ports.write(self.run.ports)
            for script in self.run.processes.glob("*.sh"):
                script.unlink()
            write_private(
                self.run.stack_env, lines_of({"STACK": "native"} | self.environment.of_stack())
            )
            self._supervisor.open()
        except BaseException:
            self.stop()
            raise

    def _names(self, name: str) -> list[str]:
        return self.catalogue.resolve(name)
