"""The whole system under one run directory: from nothing to ready, and back."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Self

from filelock import FileLock, Timeout

from . import packages, preflight
from .environment import Environment, common_of
from .errors import PolderError, failed
from .leftovers import end_leftovers
from .passwords import Passwords
from .ports import Ports
from .postgres import PostgresCluster
from .preparation import Preparation
from .processes import Catalogue
from .rabbitmq import RabbitmqNode
from .run_directory import RunDirectory, lines_of, write_private
from .services import SERVICES, processes_of
from .steps import Shown, Steps
from .supervised import READY_SECONDS, Supervised
from .supervisord import Supervisor

ROOT = Path(__file__).resolve().parents[2]
# what is broken shows by dying; a start beside much other work is only slow
SERVER_READY_SECONDS = 300.0
POLL_SECONDS = 0.2


class Stack(Supervised):
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
        run = RunDirectory(run_dir.resolve())
        passwords = Passwords(run.passwords)
        self.ports = ports
        self.services = tuple(services)
        self.brokers: Sequence[RabbitmqNode] = self._nodes(run, passwords)
        self.rabbitmq = self.brokers[0]
        common = {**common_of(run.root), **(extra or {})}
        self.environment = Environment(self._addresses(), passwords, self.services, common)
        address = self.environment.addresses["postgres"]
        self.postgres = PostgresCluster(address, passwords, "postgres", run)
        brokers = tuple(node.process for node in self.brokers)
        shop = [*(name for service in self.services for name in processes_of(service)), "flower"]
        groups = {"postgres": ["postgres"], "epmd": ["epmd"], "broker": brokers, "shop": shop}
        catalogue = Catalogue(self.environment, ports, root, ("postgres", "epmd", *brokers))
        super().__init__(run, Steps(run, root, shown), catalogue, Supervisor(run, groups))
        self._preparation = Preparation(self.environment, self.steps, lambda _: self.postgres)
        self._lock = FileLock(run.lock, thread_local=False)

    @classmethod
    def running_in(cls, run_dir: Path) -> Self:
        """For another terminal: what `make up` has started there, to be looked at, stopped and
        started in parts. Raises PolderError."""
        stack = cls(run_dir, Ports.recorded(RunDirectory(run_dir).ports))
        stack._supervisor.seen()
        stack._checks = {spec.name: spec.is_ready for spec in stack.catalogue.all()}
        stack._checks |= {"postgres": stack.postgres.answers, "epmd": stack.rabbitmq.epmd_answers}
        stack._checks |= {node.process: node.answers for node in stack.brokers}
        return stack

    # --- starting and stopping

    def start(self, *, seed: bool = True) -> None:
        """Brings everything up; returns when every process is ready and, with `seed`, the seed data
        is in. Raises PolderError (Cancelled, ...) with everything stopped."""
        with self._begun():
            prepare = self._preparation

            def stored() -> None:
                self._postgres()
                prepare.each("migrate", "access")

            def routed() -> None:
                self._rabbitmq()
                prepare.each("topology")

            static = partial(prepare.each, "collectstatic --noinput")
            self.steps.together(stored, routed, static)
            self._processes()
            if seed:
                prepare.seeded()

    def start_servers(self) -> None:
        """PostgreSQL and RabbitMQ with their databases and roles only; nothing of the services.
        Raises like `start`."""
        with self._begun():
            self.steps.together(self._postgres, self._rabbitmq)

    def _processes(self) -> None:
        """Those of the services."""
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
            running = self._supervisor.running
            with self.steps.shown("Stop everything") if running else nullcontext():
                self._supervisor.close(patient=patient)
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
        self._preparation.databases()

    def _rabbitmq(self) -> None:
        with self.steps.shown("RabbitMQ"):
            # All nodes at the same time: one that has data waits for the others.
            nodes = [node.prepare() for node in self.brokers]
            for specs in ([self.rabbitmq.epmd()], nodes):
                self.supervise(specs)
                names = [spec.name for spec in specs]
                self.wait_supervised(names, SERVER_READY_SECONDS * len(specs))

    def _nodes(self, run: RunDirectory, passwords: Passwords) -> Sequence[RabbitmqNode]:
        return [RabbitmqNode(run, self.ports, passwords)]

    def _addresses(self) -> Mapping[str, str]:
        return self.ports.addresses()
