"""A stack that tests disturb: processes are killed, cut down, begun again, and waited for."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil

from deploy.local.leftovers import is_running
from deploy.local.packages import RABBITMQ, of_rabbitmq
from deploy.local.passwords import Passwords
from deploy.local.rabbitmq import RabbitmqNode
from deploy.local.run_directory import RunDirectory
from deploy.local.stack import Stack
from deploy.local.supervised import READY_SECONDS
from tests.cluster import ClusterNode

POLL_SECONDS = 0.02


class DisturbedStack(Stack):
    """Names are those of a process, or of a service for all of its processes. Of several `brokers`
    a cluster is made."""

    brokers: Sequence[Any]  # ClusterNode, when there are several

    def __init__(self, *arguments: Any, brokers: int = 1, **options: Any) -> None:
        self._count = brokers
        super().__init__(*arguments, **options)

    def _nodes(self, run: RunDirectory, passwords: Passwords) -> Sequence[RabbitmqNode]:
        if self._count == 1:
            return super()._nodes(run, passwords)
        return ClusterNode.several(self._count, run, self.ports, passwords)

    def _addresses(self) -> Mapping[str, str]:
        """Every node listens on the same port, at an address of its own."""
        found = dict(super()._addresses())
        for name in ("rabbitmq", "rabbitmq-management", "rabbitmq-prometheus"):
            port = found[name].rpartition(":")[2]
            found[name] = " ".join(f"{node.host}:{port}" for node in self.brokers)
        return found

    def children(self, name: str) -> list[int]:
        """The ids of the processes that a process has begun itself, oldest first: a worker's pool,
        say."""
        pid = self.process(name).pid
        found = psutil.Process(pid).children() if pid is not None else []
        oldest_first = sorted(found, key=lambda one: one.create_time())
        return [one.pid for one in oldest_first if is_running(one.pid)]

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> None:
        """Sends a signal to a process; after SIGKILL, returns when it is dead. It is started again
        with back-off. Raises ProcessLookupError when it is dead already."""
        pid = self.process(name).pid
        if pid is None:
            raise ProcessLookupError(f"{name} does not run")
        os.kill(pid, number)
        while number == signal.SIGKILL and is_running(pid):
            time.sleep(POLL_SECONDS)

    def reset_backoff(self, name: str) -> None:
        """Starts again without back-off: it was killed on purpose."""
        for process in self.catalogue.resolve(name):
            if (starts := self.run.starts(process)).exists():
                os.utime(starts, (0, 0))  # as if the last were long ago
            if self.process(process).state == "waiting":
                self._supervisor.stop([process])
                self._supervisor.start(process)

    def cut_down(self, *names: str) -> None:
        """Kills processes at the same time and keeps them down, as when their machines are gone;
        `start_process` starts them again."""
        pids = [pid for name in names if (pid := self.process(name).pid) is not None]
        for number in (signal.SIGSTOP, signal.SIGKILL):  # none notices that it shall stop
            for pid in pids:
                os.kill(pid, number)
        self._supervisor.stop(names)

    def wait_ready(self, name: str, seconds: float = READY_SECONDS) -> None:
        """Until each is ready (again). Raises PolderError when it is not in time.

        It may die meanwhile, as PostgreSQL does as long as a session of the one before it, killed,
        still ends.
        """
        names = self.catalogue.resolve(name)
        self.wait_supervised(names, seconds, ignore_crashes=True)

    @property
    def mails(self) -> Path:
        """Where the shop leaves the mails that it sends, a file each."""
        return self.run.root / "mail"

    def rabbitmqctl(self, *arguments: str) -> str:
        """What it printed. Raises CalledProcessError."""
        node = self.rabbitmq
        program = RABBITMQ / "rabbitmqctl"
        command = of_rabbitmq(self.run.root, program, "-n", node.name, *arguments)
        environment = {**os.environ, **node.environment}
        return subprocess.run(
            command, env=environment, stdout=subprocess.PIPE, text=True, check=True
        ).stdout

    def log(self, name: str) -> Path:
        """The log of a process, or of a step such as `order-migrate`."""
        return self.run.log(name)

    def manage(self, service: str, *arguments: str) -> str:
        """Runs `manage.py <service> ...` as the service itself and returns what it printed. Raises
        CalledProcessError."""
        return self.manage_with({}, service, *arguments)

    def manage_with(self, extra: Mapping[str, str], service: str, *arguments: str) -> str:
        """The same, with more variables."""
        return subprocess.run(
            self.catalogue.manage(service, *arguments),
            cwd=self.catalogue.root,
            env={**self.environment.of_service(service), **extra},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        ).stdout
