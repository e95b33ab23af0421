"""One supervised process: started, watched, started again, stopped."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from .backoff import Backoff
from .procfs import MARK, started_at
from .run_directory import RunDirectory, remove

READY_POLL_SECONDS = 0.1


class State(StrEnum):
    STOPPED = "stopped"
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    WAITING = "waiting"  # died; will be started again


@dataclass(frozen=True)
class ProcessSpec:
    """What to run and how. `group` is what `make stop s=` may call it besides its name."""

    name: str
    group: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    is_ready: Callable[[], bool]
    cwd: Path
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 20.0
    # What the process gets when the supervisor dies. Everything here is built to be killed at any point.
    death_signal: signal.Signals = signal.SIGKILL
    account: tuple[str, ...] = ()  # setpriv's options to become another user


class Process:
    """The state machine around one program. Only the supervisor's thread calls its methods.

    The program is begun in that thread too: Linux sends the death signal when the thread that began it ends.
    """

    def __init__(self, spec: ProcessSpec, run: RunDirectory) -> None:
        self.spec = spec
        self.state = State.STOPPED
        self.since = time.time()
        self.restarts = 0
        self.pid: int | None = None
        self.started: int | None = None
        self._run = run
        self._backoff = Backoff()
        self._program: subprocess.Popen[bytes] | None = None
        self._ready = threading.Event()
        self._kill_at = 0.0

    def tick(self, *, wanted: bool, patient: bool = True) -> None:
        """One turn of supervision: see what happened, do what is due. Never blocks.

        A process that is not wanted is asked to stop and killed when it takes too long; at once if not `patient`.
        """
        if self._program is not None and has_exited(self._program.pid):
            self._bury(wanted)
        if self._program is None:
            if not wanted:
                self._rest()
            elif self._backoff.is_over():
                self._begin()
        elif not wanted:
            self._end(patient)
        elif self.state is State.STARTING and self._ready.is_set():
            self._enter(State.RUNNING)

    def forgive(self) -> None:
        """Forget how often it died: it is started again without waiting."""
        self._backoff = Backoff()

    def _begin(self) -> None:
        pid_file, ready_file = self._run.pid(self.spec.name), self._run.ready(self.spec.name)
        remove([ready_file])
        self._backoff.begun()
        try:
            self._program = self._spawn()
        except OSError as error:
            with self._run.log(self.spec.name).open("a") as log:
                log.write(f"could not be started: {error}\n")
            self._backoff.ended()
            self._enter(State.WAITING)
            return
        self.pid, self.started = self._program.pid, started_at(self._program.pid)
        pid_file.write_text(f"{self.pid}\n")
        self._enter(State.STARTING)
        self._ready = threading.Event()
        threading.Thread(target=self._watch, args=(self._program, self._ready), daemon=True).start()

    def _spawn(self) -> subprocess.Popen[bytes]:
        options = (*self.spec.account, f"--pdeathsig={self.spec.death_signal.name.removeprefix('SIG')}")
        with self._run.log(self.spec.name).open("ab") as log:
            return subprocess.Popen(
                ["setpriv", *options, "--", *self.spec.command],
                cwd=self.spec.cwd,
                env={
                    **self.spec.environment,
                    "POLDER_READY_FILE": str(self._run.ready(self.spec.name)),
                    MARK: f"{self._run.root}:{self.spec.name}",
                },
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for the supervisor to answer
            )

    def _watch(self, program: subprocess.Popen[bytes], ready: threading.Event) -> None:
        """Asking may take seconds, so it is done beside the supervisor's thread."""
        while self._program is program and not ready.is_set():
            if self.spec.is_ready():
                ready.set()
            time.sleep(READY_POLL_SECONDS)

    def _end(self, patient: bool) -> None:
        assert self._program is not None
        if not patient:
            self._program.kill()
            self._enter(State.STOPPING)
        elif self.state is not State.STOPPING:
            self._program.send_signal(self.spec.stop_signal)
            # A stopped (SIGSTOP) program would never see it.
            self._program.send_signal(signal.SIGCONT)
            self._kill_at = time.monotonic() + self.spec.stop_seconds
            self._enter(State.STOPPING)
        elif time.monotonic() > self._kill_at:
            self._program.kill()

    def _bury(self, wanted: bool) -> None:
        assert self._program is not None
        # Its id is ours as long as it is a zombie: nobody else's group can be hit.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._program.pid, signal.SIGKILL)
        self._program.wait()
        self._program, self.pid, self.started = None, None, None
        remove([self._run.pid(self.spec.name), self._run.ready(self.spec.name)])
        asked_to = self.state is State.STOPPING
        if asked_to:
            self._backoff = Backoff()
        else:
            self._backoff.ended()
        if wanted and not asked_to:
            self.restarts += 1
            self._enter(State.WAITING)

    def _rest(self) -> None:
        if self.state is not State.STOPPED:
            self._backoff = Backoff()
            self._enter(State.STOPPED)

    def _enter(self, state: State) -> None:
        self.state, self.since = state, time.time()


def has_exited(pid: int) -> bool:
    """Whether our child has ended, without reaping it. May be asked from any thread."""
    try:
        return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:
        return True
