"""supervisord for one run directory: what it is told, and how one asks it."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any

from supervisor.xmlrpc import Faults, SupervisorTransport

from .environment import inherited
from .errors import PolderError, failed
from .leftovers import end_group, end_leftovers
from .run_directory import RunDirectory, write_private
from .steps import begin

HERE = Path(__file__).parent
OPEN_SECONDS = 60.0
SHUTDOWN_SECONDS = 180.0
POLL_SECONDS = 0.1
DOWN = "Polder does not run here. Start it with: make up"


@dataclass(frozen=True)
class ProcessView:
    """A process as it was a moment ago. It may be dead, and supervisord not know it yet."""

    name: str
    state: str  # supervisord's, in lower case; of `Supervised`, what people are told
    pid: int | None
    since: float
    restarts: int = 0


class Supervisor:
    """supervisord as a child of this process, or as another process has it: then it is only asked.
    Its programs end with it, and it ends when the process does that began it.

    `groups` are stopped from the last to the first, the processes of one at the same time. Raises
    PolderError when it is asked and does not run.
    """

    def __init__(self, run: RunDirectory, groups: Mapping[str, Sequence[str]]) -> None:
        self._run = run
        self._groups = groups
        self._group_of = {name: group for group, names in groups.items() for name in names}
        self._program: subprocess.Popen[bytes] | None = None

    # --- asking it

    def seen(self) -> dict[str, ProcessView]:
        return {
            one["name"]: ProcessView(
                one["name"],
                one["statename"].lower(),
                one["pid"] or None,
                max(one["start"], one["stop"]),
            )
            for one in self._ask("getAllProcessInfo")
        }

    def start(self, name: str) -> None:
        """Begins it, unless it runs. What is still being stopped, perhaps by a command that was
        interrupted, has to end first."""
        deadline = time.monotonic() + SHUTDOWN_SECONDS
        while self.seen()[name].state == "stopping" and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
        self._tell("startProcess", name)

    def stop(self, names: Sequence[str], seconds: float = SHUTDOWN_SECONDS) -> None:
        """Stops these and keeps them down; returns when they have ended. Killed when they take too
        long. May run twice."""
        deadline = time.monotonic() + seconds
        while left := [
            one for one in self.seen().values() if one.name in names and one.state != "stopped"
        ]:
            for one in left:
                if one.state != "stopping":
                    self._tell("stopProcess", one.name)
                    with suppress(ProcessLookupError):  # stopped (SIGSTOP), it would not see it
                        os.kill(one.pid or os.getpid(), signal.SIGCONT)
            if time.monotonic() > deadline:
                still = ", ".join(one.name for one in left)
                raise PolderError(f"Not stopped after {seconds:.0f} s: {still}")
            time.sleep(POLL_SECONDS)
        for name in names:
            end_group(self._run.pid(name))

    def _tell(self, method: str, name: str) -> None:
        with suppress(xmlrpc.client.Fault):  # it is so already, or is on its way
            self._ask(method, f"{self._group_of[name]}:{name}", False)

    def _ask(self, method: str, *arguments: object) -> Any:
        try:
            folder = f"/proc/{int(self._run.pid('supervisord').read_text())}/cwd"
            transport = SupervisorTransport(None, None, f"unix://{folder}/supervisor.sock")
            server = xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport)
            with closing(transport):
                return getattr(server.supervisor, method)(*arguments)
        except (OSError, ValueError, HTTPException) as error:
            raise PolderError(DOWN) from error
        except xmlrpc.client.Fault as fault:
            if fault.faultCode == Faults.SHUTDOWN_STATE:
                raise PolderError("Polder is being stopped here. Start it with: make up") from fault
            raise

    # --- having it

    @property
    def running(self) -> bool:
        return self._program is not None and self._program.poll() is None

    def open(self) -> None:
        """Starts it, with nothing running yet. Raises PolderError."""
        configuration = self._run.root / "supervisord.conf"
        write_private(configuration, self._configuration())
        command = [sys.executable, "-m", "supervisor.supervisord", "-c", str(configuration)]
        log = self._run.log("supervisord-start")
        self._program = begin(command, "TERM", self._run.root, inherited(os.environ), log)
        deadline = time.monotonic() + OPEN_SECONDS
        while not self._answers():
            if not self.running or time.monotonic() > deadline:
                raise failed("supervisord does not start.", log)
            time.sleep(POLL_SECONDS)

    def close(self, *, patient: bool = True) -> None:
        """Ends it with everything that it runs: in good order, or killed if not `patient`. Does
        nothing when it was not begun here."""
        if self._program is None:
            return
        if self.running:
            self._program.terminate() if patient else self._program.kill()
        try:
            self._program.wait(SHUTDOWN_SECONDS)
        except subprocess.TimeoutExpired:
            self._program.kill()
            self._program.wait()
        self._program = None
        end_leftovers(self._run)

    def _answers(self) -> bool:
        with suppress(PolderError):
            return bool(self.seen())
        return False

    def _configuration(self) -> str:
        run = str(self._run.root).replace("%", "%%")
        text = (HERE / "supervisord.conf").read_text().format(run=run)
        program = (HERE / "program.conf").read_text()
        for priority, (group, names) in enumerate(self._groups.items(), 1):
            for name in names:
                words = ("/bin/sh", str(HERE / "process.sh"), str(self._run.root), name)
                command = shlex.join(words).replace("%", "%%")
                # fast: PostgreSQL ends the sessions instead of waiting for them
                number = "INT" if name == "postgres" else "TERM"
                text += program.format(run=run, name=name, command=command, signal=number)
            text += f"[group:{group}]\nprograms={','.join(names)}\npriority={priority}\n"
        return text
