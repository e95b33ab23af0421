"""Keeps processes as they are wanted: one thread that looks ten times a second."""

import json
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from .errors import Cancelled, ProcessFailed
from .process import Process, ProcessSpec, State, has_exited
from .run_directory import RunDirectory, write_private

TICK_SECONDS = 0.1
DEATHS_THAT_ARE_ENOUGH = 4


@dataclass(frozen=True)
class ProcessView:
    """A supervised process as it was a moment ago."""

    name: str
    group: str
    state: State
    pid: int | None
    started: int | None  # in clock ticks since boot, see procfs.started_at
    since: float  # Unix time of the last change of state
    restarts: int


class Supervisor:
    """Runs the processes it was given until it is told otherwise; leaves those down that have a file in `run.held`.

    Its methods may be called from any thread. Its own thread must outlive the processes, and does.
    """

    def __init__(self, run: RunDirectory, cancelled: threading.Event) -> None:
        self._run = run
        self._cancelled = cancelled
        self._processes: dict[str, Process] = {}
        self._retired: set[str] = set()
        self._patient = True
        self._changed = threading.Condition()
        self._closing = False
        self._shown = ""
        self._complaints: set[str] = set()
        self._thread = threading.Thread(target=self._supervise, name="supervisor", daemon=True)

    def open(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Stop whatever still runs, at once, and end the thread."""
        self.stop(list(self._processes))
        self._closing = True
        if self._thread.is_alive():
            self._thread.join()

    def add(self, specs: Iterable[ProcessSpec]) -> None:
        with self._changed:
            self._processes |= {spec.name: Process(spec, self._run) for spec in specs}

    def stop(self, names: Collection[str], *, patient: bool = True) -> None:
        """Stop these for good, all at the same time; returns when they have ended.

        They are killed when they take too long, or at once if not `patient`.
        """
        with self._changed:
            known = [self._processes[name] for name in names if name in self._processes]
            self._retired.update(names)
            self._patient = self._patient and patient
            while self._thread.is_alive() and any(process.state is not State.STOPPED for process in known):
                self._changed.wait(TICK_SECONDS)

    def view(self, name: str) -> ProcessView:
        """Raises KeyError for a name that is not supervised."""
        with self._changed:
            return _view(self._processes[name])

    def views(self) -> list[ProcessView]:
        with self._changed:
            return [_view(process) for process in self._processes.values()]

    def wait_ready(self, name: str, seconds: float, *, whatever_it_dies_of: bool = False) -> None:
        """Raises ProcessFailed when it takes longer or, unless it may, dies again and again; Cancelled when that is set."""
        restarts = self.view(name).restarts

        def is_ready() -> bool:
            view = self.view(name)
            if not whatever_it_dies_of and view.restarts >= restarts + DEATHS_THAT_ARE_ENOUGH:
                raise self._failure(name, f"{name} ended {view.restarts - restarts} times instead of becoming ready.")
            # It may have ended since the supervisor looked.
            return view.state is State.RUNNING and view.pid is not None and not has_exited(view.pid)

        self._wait(is_ready, seconds, name, f"{name} did not become ready within {seconds:.0f} s.")

    def wait_stopped(self, name: str, seconds: float) -> None:
        late = f"{name} did not stop within {seconds:.0f} s."
        self._wait(lambda: self.view(name).state is State.STOPPED, seconds, name, late)

    def kill(self, name: str, number: signal.Signals) -> None:
        """Send a signal to the process itself; after SIGKILL, return when it is dead."""
        pid = self.view(name).pid
        if pid is None:
            raise ProcessLookupError(f"{name} does not run")
        os.kill(pid, number)
        while number == signal.SIGKILL and self.view(name).pid == pid and not has_exited(pid):
            time.sleep(0.001)

    def forgive(self, name: str) -> None:
        """Start it again without back-off, should it be dead, and count its deaths anew."""
        with self._changed:
            self._processes[name].forgive()

    def _wait(self, condition: Callable[[], bool], seconds: float, name: str, late: str) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            if self._cancelled.is_set():
                raise Cancelled("interrupted")
            if time.monotonic() > deadline:
                raise self._failure(name, late)
            with self._changed:
                self._changed.wait(TICK_SECONDS)

    def _failure(self, name: str, message: str) -> ProcessFailed:
        command = self._processes[name].spec.command
        return ProcessFailed(message, command=command, log=self._run.log(name), tail=self._run.tail(name))

    def _supervise(self) -> None:
        while not self._closing:
            try:
                self._turn()
            except Exception as error:  # a full disk, say: the processes are worth more than a tidy state file
                self._complain(error)
            time.sleep(TICK_SECONDS)

    def _complain(self, error: Exception) -> None:
        """Once for each error, not ten times a second."""
        if str(error) not in self._complaints:
            self._complaints.add(str(error))
            what = str(error) if isinstance(error, OSError) else "".join(traceback.format_exception(error))
            print(f"\npolder: the supervisor could not note how the processes are, and goes on: {what}", file=sys.stderr)

    def _turn(self) -> None:
        held = {marker.name for marker in self._run.held.iterdir()}
        with self._changed:
            for name, process in self._processes.items():
                process.tick(wanted=name not in held | self._retired, patient=self._patient)
            views = [_view(process) for process in self._processes.values()]
            self._changed.notify_all()
        self._show(views)

    def _show(self, views: list[ProcessView]) -> None:
        """For `make status` and for whoever cleans up after us."""
        shown = json.dumps([vars(view) for view in views], indent=1)
        if shown != self._shown:
            write_private(self._run.state, shown)
            self._shown = shown


def _view(process: Process) -> ProcessView:
    return ProcessView(
        name=process.spec.name,
        group=process.spec.group,
        state=process.state,
        pid=process.pid,
        started=process.started,
        since=process.since,
        restarts=process.restarts,
    )
