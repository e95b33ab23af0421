"""What a second terminal can do with a running stack. They talk through files in the run directory only."""

import json
import os
import shutil
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .catalogue import Catalogue
from .errors import PolderError
from .leftovers import end_leftovers
from .lock import SupervisorLock
from .process import State
from .procfs import is_running
from .run_directory import RunDirectory

POLL_SECONDS = 0.1
# Workers get 20 s to finish, the servers some more.
DOWN_SECONDS = 90.0
CHANGE_SECONDS = 60.0


@dataclass(frozen=True)
class Control:
    run: RunDirectory
    catalogue: Catalogue

    @property
    def lock(self) -> SupervisorLock:
        return SupervisorLock(self.run.lock)

    def supervisor(self) -> int | None:
        """The id of the running supervisor's process, None if there is none."""
        return self.lock.holder()

    def states(self) -> list[dict[str, Any]]:
        """The processes as the running supervisor last wrote them down; nothing without one."""
        if self.supervisor() is None or not self.run.state.exists():
            return []
        states: list[dict[str, Any]] = json.loads(self.run.state.read_text())
        return states

    def running(self, name: str) -> list[str]:
        """The processes a name stands for. Raises PolderError for an unknown one, or when no supervisor runs."""
        names = self.catalogue.resolve(name)
        if self.supervisor() is None:
            raise PolderError("Polder does not run here. Start it with: make up")
        return names

    def stop(self, names: Sequence[str]) -> None:
        """Stop processes and wait until they have ended. May run twice."""
        for process in names:
            (self.run.held / process).touch()
        self._wait(names, State.STOPPED)

    def start(self, names: Sequence[str]) -> None:
        """Start them again and wait until they are ready. May run twice."""
        for process in names:
            (self.run.held / process).unlink(missing_ok=True)
        self._wait(names, State.RUNNING)

    def down(self) -> bool:
        """Stop everything; False if nothing ran. Raises PolderError when it takes too long."""
        supervisor = self.supervisor()
        if supervisor is None:
            return False
        os.kill(supervisor, signal.SIGTERM)
        if not self.lock.wait_released(DOWN_SECONDS):
            raise PolderError(
                f"The supervisor (process {supervisor}) has not stopped within {DOWN_SECONDS:.0f} s. See {self.run.logs}\n"
                f"To end it at once, and all that it runs: kill -9 {supervisor}. No data is lost by that."
            )
        return True

    def reset(self) -> None:
        """Delete the run directory with all data and passwords. Raises AlreadyRunning."""
        if not self.run.root.exists():
            return
        lock = self.lock
        lock.acquire()
        try:
            end_leftovers(self.run)
            shutil.rmtree(self.run.root)
        finally:
            lock.release()

    def _wait(self, names: Sequence[str], state: State) -> None:
        deadline = time.monotonic() + CHANGE_SECONDS
        while pending := [one for one in self.states() if one["name"] in names and not _is(one, state)]:
            if time.monotonic() > deadline:
                late = ", ".join(f"{one['name']} ({one['state']})" for one in pending)
                raise PolderError(f"Not {state} after {CHANGE_SECONDS:.0f} s: {late}. See why with: make logs s={pending[0]['name']}")
            time.sleep(POLL_SECONDS)
        if self.supervisor() is None:
            raise PolderError("The supervisor has stopped meanwhile. Start everything again with: make up")


def _is(process: dict[str, Any], state: State) -> bool:
    # What is noted may be a moment old: a process noted as running has to be there.
    alive = process["pid"] is not None and is_running(process["pid"])
    return process["state"] == state and alive == (state is State.RUNNING)
