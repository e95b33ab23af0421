"""The whole system under one run directory: from nothing to ready, and back."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Self

from filelock import FileLock, Timeout

from . import packages, preflight
from .environment import Environment, common_of
from .errors import PolderError, Refused, failed
from .leftovers import end_leftovers, is_running
from .passwords import Passwords
from .ports import Ports
from .postgres import PostgresCluster
from .preparation import Preparation
from .processes import Catalogue, ProcessSpec
from .rabbitmq import RabbitmqNode
from .run_directory import RunDirectory, lines_of, write_private
from .services import SERVICES, processes_of
from .steps import Shown, Steps
from .supervisord import DOWN, ProcessView, Supervisor

ROOT = Path(__file__).resolve().parents[2]
READY_SECONDS = 600.0  # of one that is disturbed on purpose, something else may strike meanwhile
# what is broken shows by dying; a start beside much other work is only slow
SERVER_READY_SECONDS = 300.0
POLL_SECONDS = 0.2
REFUSED_SECONDS = 5.0
DEATHS_THAT_ARE_ENOUGH = 4


class Stack:
    """PostgreSQL, RabbitMQ and the processes of the services, under a supervisord that is a child
    of this process.

    `extra` is added to the environment of every process of the services. A stack starts once and
    stops once; the data stays in `run_dir` for the next one. Everything ends with this process,
    even by SIGKILL.
    """

    def __init__(
        self,
        run_dir: Path,
        ports: Ports,
        services: Sequence[str] = SERVICES,
        *,
        root: Path = ROOT,
        extra: Mapping[str, str] | None = None,
        shown: Shown = nullcontext,
    ) -> None:
        self.run = RunDirectory(run_dir.resolve())
        self.ports = ports
        self.services = tuple(services)
        passwords = Passwords(self.run.passwords)
        self.brokers: Sequence[RabbitmqNode] = self._nodes(passwords)
        self.rabbitmq = self.brokers[0]
        common = {**common_of(self.run.root), **(extra or {})}
        self.environment = Environment(self._addresses(), passwords, self.services, common)
        servers = ("postgres", "epmd", *(node.process for node in self.brokers))
        self.catalogue = Catalogue(self.environment, ports, root, servers)
        address = self.environment.addresses["postgres"]
        self.postgres = PostgresCluster(address, passwords, "postgres", self.run)
        self.steps = Steps(self.run, root, shown)
        self._preparation = Preparation(self.environment, self.steps, lambda _: self.postgres)
        self._lock = FileLock(self.run.lock, thread_local=False)
        shop = [*(name for service in self.services for name in processes_of(service)), "flower"]
        self._supervisor = Supervisor(
            self.run,
            {"postgres": servers[:1], "epmd": servers[1:2], "broker": servers[2:], "shop": shop},
        )
        self._specs: dict[str, ProcessSpec] = {}
        self._refused: dict[str, float] = {}  # since when a server turns us away

    @classmethod
    def running_in(cls, run_dir: Path) -> Self:
        """For another terminal: what `make up` has started there, to be looked at, stopped and
        started in parts. Raises PolderError."""
        run = RunDirectory(run_dir.resolve())
        if not run.root.exists():
            raise PolderError(DOWN)
        stack = cls(run.root, Ports.recorded(run.ports))
        stack._supervisor.seen()
        stack._specs = {spec.name: spec for spec in stack.catalogue.all()}
        return stack

    @property
    def mails(self) -> Path:
        """Where the shop leaves the mails that it sends, a file each."""
        return self.run.root / "mail"

    # --- starting and stopping

    def start(self, *, seed: bool = True) -> None:
        """Brings everything up; returns when every process is ready and, with `seed`, the seed data
        is in. Raises PolderError (Cancelled, ...) with everything stopped."""
        with self._begun():
            prepare = self._preparation
            self.steps.together(
                partial(_in_turn, self._postgres, prepare.databases, prepare.migrated),
                partial(_in_turn, self._rabbitmq, prepare.routed),
                prepare.static_collected,
            )
            self._processes()
            if seed:
                prepare.seeded()

    def start_servers(self) -> None:
        """PostgreSQL and RabbitMQ with their databases and roles only; nothing of the services.
        Raises like `start`."""
        with self._begun():
            databases = partial(_in_turn, self._postgres, self._preparation.databases)
            self.steps.together(databases, self._rabbitmq)

    def _processes(self) -> None:
        specs = self.catalogue.all()
        self.supervise(specs)
        for group in dict.fromkeys(spec.group for spec in specs):
            what = "processes ready" if group in self.services else "ready"
            with self.steps.shown(f"{group}: {what}"):
                names = [spec.name for spec in specs if spec.group == group]
                self.wait_supervised(names, READY_SECONDS)

    def stop(self, *, patient: bool = True) -> None:
        """Stops everything in good order: who works first, the servers last. Does nothing on a
        stack not started.

        Not `patient`, everything is killed: quick, for a run directory that will be thrown away.
        """
        self.steps.cancel()
        if not self._lock.is_locked:
            return
        try:
            if self._supervisor.running:
                with self.steps.shown("Stop everything"):
                    self._supervisor.close(patient=patient)
            self._supervisor.close()
        finally:
            self.run.up_pid.unlink(missing_ok=True)
            self._lock.release()

    def wait(self) -> None:
        """Blocks until the steps are cancelled. Raises PolderError when supervisord ends."""
        while not self.steps.cancelled:
            if not self._supervisor.running:
                log = self.run.log("supervisord")
                raise failed("supervisord has ended, and everything with it.", log)
            time.sleep(POLL_SECONDS)

    @contextmanager
    def _begun(self) -> Iterator[None]:
        """With supervisord; without it again when the block fails."""
        self.run.create()
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            holder = self.run.up_pid.read_text().strip() if self.run.up_pid.exists() else "unknown"
            raise PolderError(
                f"Polder already runs here (process {holder}). See `make status`; stop it with "
                "`make down`."
            ) from None
        try:
            end_leftovers(self.run)
            self.run.up_pid.write_text(f"{os.getpid()}\n")
            preflight.check(self.run, self.ports)
            packages.provide(self.steps)
            self.ports.write(self.run.ports)
            for script in self.run.processes.glob("*.sh"):
                script.unlink()
            variables = {"STACK": "native"} | self.environment.of_stack()
            write_private(self.run.stack_env, lines_of(variables))
            self._supervisor.open()
            yield
        except BaseException:
            self.stop()
            raise

    def _postgres(self) -> None:
        with self.steps.shown("PostgreSQL"):
            self.supervise([self.postgres.prepare(self.steps)])
            self.wait_supervised(["postgres"], SERVER_READY_SECONDS)

    def _rabbitmq(self) -> None:
        with self.steps.shown("RabbitMQ"):
            # All nodes at the same time: one that has data waits for the others.
            nodes = [node.prepare() for node in self.brokers]
            for specs in ([self.rabbitmq.epmd()], nodes):
                self.supervise(specs)
                names = [spec.name for spec in specs]
                self.wait_supervised(names, SERVER_READY_SECONDS * len(specs))

    def _nodes(self, passwords: Passwords) -> Sequence[RabbitmqNode]:
        return [RabbitmqNode(self.run, self.ports, passwords)]

    def _addresses(self) -> Mapping[str, str]:
        return self.ports.addresses()

    # --- one process

    def process(self, name: str) -> ProcessView:
        """`order-worker`, `postgres`, ...: its pid, state, restarts. Raises KeyError for an unknown
        name."""
        return self._view(self._supervisor.seen()[name])

    def processes(self) -> list[ProcessView]:
        """Those that were started, be it that some are stopped now."""
        seen = self._supervisor.seen().values()
        return [self._view(one) for one in seen if self.run.script(one.name).exists()]

    def stop_process(self, name: str) -> None:
        """Stops a process, or all of a service, and keeps it down; returns when it has ended. May
        run twice."""
        self._supervisor.stop(self.catalogue.resolve(name))

    def start_process(self, *names: str, seconds: float = READY_SECONDS) -> None:
        """Starts what was stopped; returns when it is ready. May run twice."""
        processes = [process for name in names for process in self.catalogue.resolve(name)]
        for process in processes:
            if not self.process(process).pid:
                self.run.starts(process).unlink(missing_ok=True)
            self._supervisor.start(process)
        self.wait_supervised(processes, seconds, whatever_they_die_of=True)

    def supervise(self, specs: Sequence[ProcessSpec]) -> None:
        """Begins them; from now on they are kept running."""
        for spec in specs:
            write_private(self.run.script(spec.name), spec.script())
            self._specs[spec.name] = spec
            self._supervisor.start(spec.name)

    def wait_supervised(
        self, names: Sequence[str], seconds: float, *, whatever_they_die_of: bool = False
    ) -> None:
        """Until each is ready. Raises PolderError when it takes longer or, unless they may, one
        dies again and again; Cancelled; Refused."""
        deadline = time.monotonic() + seconds
        allowed = {name: self._restarts(name) + DEATHS_THAT_ARE_ENOUGH for name in names}
        pending = list(names)
        while True:
            self.steps.check()
            seen = self._supervisor.seen()
            pending = [name for name in pending if not self._is_ready(seen[name])]
            if not pending:
                return
            for name in pending:
                if self._restarts(name) >= allowed[name] and not whatever_they_die_of:
                    raise self._failure(name, "has ended again and again instead of being ready")
            if time.monotonic() > deadline:
                raise self._failure(pending[0], f"was not ready within {seconds:.0f} s")
            time.sleep(POLL_SECONDS)

    def _failure(self, name: str, what: str) -> PolderError:
        return failed(f"{name} {what}.", self.run.log(name), preflight.disk_is_full(self.run.logs))

    def _is_ready(self, seen: ProcessView) -> bool:
        if not seen.pid or not is_running(seen.pid) or seen.state not in ("starting", "running"):
            return False
        spec = self._specs.get(seen.name)
        if spec is None:  # a server, seen from another process
            return True
        if spec.is_ready is None:
            return self.run.ready(seen.name, seen.pid).exists()
        try:
            return spec.is_ready()
        except Refused:  # a server that only begins may not know its users yet
            since = self._refused.setdefault(seen.name, time.monotonic())
            if time.monotonic() - since > REFUSED_SECONDS:
                raise
            return False

    def _view(self, seen: ProcessView) -> ProcessView:
        """supervisord knows neither readiness nor restarts."""
        state = seen.state
        if seen.state in ("starting", "running"):
            state = "running" if self._is_ready(seen) else "starting"
        return replace(seen, state=state, restarts=max(0, self._restarts(seen.name)))

    def _restarts(self, name: str) -> int:
        starts = self.run.starts(name)
        return starts.stat().st_size - 1 if starts.exists() else 0


def _in_turn(*steps: Callable[[], None]) -> None:
    for step in steps:
        step()
