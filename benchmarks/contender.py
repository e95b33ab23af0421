"""One of the programs that are compared, and how it is run: as processes, until all of their work
is done."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from benchmarks.servers import Servers
from deploy.local.stack import ROOT

# between two looks at whether all is done; the rate is read from the rows' own times
LOOK_SECONDS = 0.2
TIME_LIMIT = 300.0


class ContenderFailed(RuntimeError):
    """A program ended or took too long before its work was done."""


@dataclass(frozen=True)
class Contender:
    """`command` is started in `processes` processes; `share` is how much of the events it is given,
    being slow. `beside` runs with it."""

    name: str
    command: Sequence[str]  # after the Python interpreter
    processes: int = 1
    share: float = 1.0
    environment: tuple[tuple[str, str], ...] = ()
    beside: tuple[Contender, ...] = ()


@dataclass(frozen=True)
class Running:
    """The processes of a contender, each with the path of its log."""

    name: str
    processes: Sequence[tuple[subprocess.Popen[bytes], str]]

    def wait_until(self, done: Callable[[], bool]) -> None:
        """Raises ContenderFailed with the end of their output."""
        limit = time.monotonic() + TIME_LIMIT
        while not done():
            if (
                any(process.poll() is not None for process, _ in self.processes)
                or time.monotonic() > limit
            ):
                raise ContenderFailed(
                    f"{self.name} did not get done:\n"
                    + "\n".join(_tail(log) for _, log in self.processes)
                )
            time.sleep(LOOK_SECONDS)


def run(contender: Contender, servers: Servers, done: Callable[[], bool]) -> None:
    """Runs it until `done`, then stops it. Raises ContenderFailed."""
    with running(contender, servers) as processes:
        processes.wait_until(done)


@contextmanager
def running(contender: Contender, servers: Servers) -> Iterator[Running]:
    """Its processes and those beside it, stopped at the end."""
    with ExitStack() as stack:
        programs = [
            program for program in (contender, *contender.beside) for _ in range(program.processes)
        ]
        yield Running(
            contender.name,
            [stack.enter_context(_process(program, servers)) for program in programs],
        )


@contextmanager
def _process(
    contender: Contender, servers: Servers
) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    with tempfile.NamedTemporaryFile(prefix="contender-", suffix=".log") as log:
        process = subprocess.Popen(
            [sys.executable, *contender.command],
            cwd=ROOT,
            env=dict(servers.environment(**dict(contender.environment))),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            yield process, log.name
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _tail(path: str) -> str:
    with open(path, errors="replace") as log:
        return log.read()[-3_000:]
