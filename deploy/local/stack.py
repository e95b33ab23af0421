"""The whole system under one run directory: from nothing to ready, and back."""

import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from . import packages
from .catalogue import Catalogue
from .command import CommandRunner
from .environment import Environment
from .errors import PolderError
from .leftovers import end_leftovers
from .lock import SupervisorLock
from .passwords import Passwords
from .ports import Ports
from .postgres import PostgresCluster
from .preparation import Preparation
from .procfs import children
from .progress import Progress, Silent
from .rabbitmq import RabbitmqNode, broker_names
from .run_directory import RunDirectory, lines_of, write_private
from .services import SERVICES
from .space import lack_of_space
from .supervisor import ProcessView, Supervisor

ROOT = Path(__file__).resolve().parents[2]
READY_SECONDS = 180.0  # of one that is disturbed on purpose, something else may strike meanwhile
STOP_SECONDS = 120.0


class Stack:
    """PostgreSQL, RabbitMQ and the processes of the services, supervised by a thread of this process.

    `extra` is added to the environment of every process of the services. Of several `brokers` a cluster is made. A stack
    starts once and stops once; the data stays in `run_dir` for the next one. Everything dies with this process, even with SIGKILL.
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
        self.environment = Environment(self.run, ports.addresses(), passwords, self.services, extra or {}, brokers)
        self.catalogue = Catalogue(self.environment, ports, root)
        self.postgres = PostgresCluster(self.run, ports.postgres, passwords)
        self.brokers = [RabbitmqNode(self.run, ports, passwords, number, brokers) for number in range(1, brokers + 1)]
        self.rabbitmq = self.brokers[0]
        self._root = root
        self._progress = progress or Silent()
        self._cancelled = threading.Event()
        self._lock = SupervisorLock(self.run.lock)
        self._supervisor = Supervisor(self.run, self._cancelled)
        self._command = CommandRunner(self.run, root, self._cancelled)
        self._started = False

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    # --- starting and stopping -----------------------------------------------------------------------------------

    def start(self, *, seed: bool = True) -> None:
        """Bring everything up; returns when every process is ready and, with `seed`, the seed data is in.

        Raises PolderError (AlreadyRunning, PortTaken, StepFailed, ProcessFailed, Cancelled) with everything stopped.
        """
        self._begin()
        try:
            preparation = self._preparation()
            preparation.all()
            self.start_processes()
            if seed:
                preparation.seeds()
        except BaseException:
            self.stop()
            raise

    def start_servers(self) -> None:
        """PostgreSQL and RabbitMQ with their databases and roles only; nothing of the services. Raises like `start`."""
        self._begin()
        try:
            self._preparation().servers()
        except BaseException:
            self.stop()
            raise

    def start_processes(self) -> None:
        """Start the services' processes and wait until each is ready; the second half of `start`."""
        specs = self.catalogue.all()
        self._supervisor.add(specs)
        for group in dict.fromkeys(spec.group for spec in specs):
            with self._progress.step(f"{group}: processes ready" if group in self.services else f"{group}: ready"):
                for spec in specs:
                    if spec.group == group:
                        self._supervisor.wait_ready(spec.name, READY_SECONDS)

    def stop(self, *, patient: bool = True) -> None:
        """Stop everything in good order: who works first, the servers last. Does nothing on a stack not started.

        Not `patient`, everything is killed: quick, for a run directory that will be thrown away.
        """
        if not self._started:
            return
        self._cancelled.set()
        there = [view.name for view in self._supervisor.views()]
        for title, names in (
            ("Stop the processes", [name for name in there if name not in self.catalogue.servers]),
            ("Stop RabbitMQ", list(broker_names(len(self.brokers)))),
            ("Stop PostgreSQL", ["postgres", "epmd"]),
        ):
            if set(names) & set(there):
                with self._progress.step(title):
                    self._supervisor.stop(names, patient=patient)
        self._supervisor.close()
        self._lock.release()
        self._started = False

    def cancel(self) -> None:
        """Make a `start` or `wait` that is under way give up soon. May be called from a signal handler."""
        self._cancelled.set()

    def wait(self) -> None:
        """Block until `cancel` is called."""
        while not self._cancelled.wait(3600):
            pass

    # --- looking at it and disturbing it -------------------------------------------------------------------------

    def process(self, name: str) -> ProcessView:
        """`order-worker`, `postgres`, ...: its pid, state, restarts. Raises KeyError for an unknown name."""
        return self._supervisor.view(name)

    def processes(self) -> list[ProcessView]:
        return self._supervisor.views()

    def children(self, name: str) -> list[int]:
        """The ids of the processes that a process has begun itself, oldest first: a worker's pool, say."""
        pid = self.process(name).pid
        return children(pid) if pid is not None else []

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal to a process; after SIGKILL, return when it is dead. It is started again with back-off."""
        self._supervisor.kill(name, number)

    def forgive(self, name: str) -> None:
        """Start a process (or all of a service) again without back-off: it was killed on purpose."""
        for process in self._names(name):
            self._supervisor.forgive(process)

    def wait_ready(self, name: str, seconds: float = READY_SECONDS) -> None:
        """Wait until a process, or each one of a service, is ready (again). Raises ProcessFailed when it is not in time.

        It may die meanwhile, as PostgreSQL does as long as a session of the one before it, killed, still ends.
        """
        for process in self._names(name):
            self._supervisor.wait_ready(process, seconds, whatever_it_dies_of=True)

    def stop_process(self, name: str) -> None:
        """Stop a process, or all of a service, and keep it down; returns when it has ended. May run twice."""
        for process in self._names(name):
            (self.run.held / process).touch()
        for process in self._names(name):
            self._supervisor.wait_stopped(process, STOP_SECONDS)

    def cut_down(self, *names: str) -> None:
        """Kill processes at the same time and keep them down, as when their machines are gone; `start_process` starts them again."""
        for name in names:
            (self.run.held / name).touch()
        for name in names:
            with suppress(ProcessLookupError):
                self.kill(name)
        for name in names:
            self._supervisor.wait_stopped(name, STOP_SECONDS)

    def start_process(self, *names: str, seconds: float = READY_SECONDS) -> None:
        """Start what `stop_process` or `cut_down` stopped; returns when it is ready. May run twice."""
        processes = [process for name in names for process in self._names(name)]
        for process in processes:
            (self.run.held / process).unlink(missing_ok=True)
        for process in processes:
            self.wait_ready(process, seconds)

    def log(self, name: str) -> Path:
        """The log of a process, or of a step such as `order-migrate`."""
        return self.run.log(name)

    def manage(self, service: str, *arguments: str) -> str:
        """Run `manage.py <service> ...` as the service itself and return what it printed. Raises CalledProcessError."""
        return subprocess.run(
            self.catalogue.manage(service, *arguments),
            cwd=self._root,
            env=self.environment.of_service(service),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        ).stdout

    # --- inside --------------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        self.run.create()
        self._lock.acquire()
        self._started = True
        self._supervisor.open()
        try:
            if ended := end_leftovers(self.run):
                self._progress.note(f"Ended what an earlier run left behind: {len(ended)} processes")
            for marker in self.run.held.iterdir():
                marker.unlink()
            self.run.rotate_logs()
            self.ports.require_free()
            if lack := lack_of_space(ROOT, self.run.root):
                raise PolderError(f"The disk is too full: {lack}. Make room, and run again.")
            packages.provide(self._command, self._progress)
            write_private(self.run.stack_env, lines_of({"STACK": "native"} | self.environment.of_stack()))
        except BaseException:
            self.stop()
            raise

    def _preparation(self) -> Preparation:
        return Preparation(
            environment=self.environment,
            catalogue=self.catalogue,
            postgres=self.postgres,
            brokers=self.brokers,
            supervisor=self._supervisor,
            command=self._command,
            progress=self._progress,
            cancelled=self._cancelled,
        )

    def _names(self, name: str) -> list[str]:
        return self.catalogue.resolve(name)
