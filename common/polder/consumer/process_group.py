"""Several processes of one project, run as one: for development."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from polder.process.stopping import Stop, stop_on

PATIENCE = 30.0  # seconds that a process has to end what it is doing
_GLANCE = 0.2
_PR_SET_PDEATHSIG = 1  # <sys/prctl.h>
_LIBC = ctypes.CDLL(None)


def _end_with_parent() -> None:
    """A parent that is killed cannot end anybody: its children would go on, with the code that they
    began with, beside those of the next start. Only Linux can be asked for it."""
    if sys.platform == "linux":
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


class ProcessGroup:
    """Starts `commands`, each under its name, and says each line of them to `say`, with the name
    before it. Each is a process group of its own, so that Ctrl-C in a terminal reaches nobody
    else: this process tells each of them once."""

    def __init__(
        self,
        commands: Mapping[str, Sequence[str]],
        environment: Mapping[str, str],
        say: Callable[[str], object],
    ) -> None:
        self._width = max(map(len, [*commands, "events"]))
        self._write, self._lock = say, threading.Lock()
        self._folder = tempfile.TemporaryDirectory(prefix="polder-events-")
        self._ready = {name: Path(self._folder.name) / name for name in commands}
        self._processes = {
            name: self._start(name, command, environment) for name, command in commands.items()
        }
        self._readers = [
            threading.Thread(target=self._read, args=(name, process), daemon=True)
            for name, process in self._processes.items()
        ]
        for reader in self._readers:
            reader.start()

    def run(self, stop: Stop, on_ready: Callable[[], None] = lambda: None) -> int:
        """Until it is told to stop, or one of them ends: then it ends the others, and kills them
        when it is told so again. The exit status of the one that ended; 0 if it was told to."""
        status, waits = 0, True
        try:
            while not stop.wait(_GLANCE):
                if ended := self._ended():
                    name, status = ended
                    self.say("events", f"{name} ended with status {status}; the others end, too")
                    break
                if waits and all(path.exists() for path in self._ready.values()):
                    waits = False
                    self.say("events", f"ready: {', '.join(self._processes)}")
                    on_ready()
        finally:
            self._end()
        return status

    def say(self, name: str, line: str) -> None:
        with self._lock:
            self._write(f"{name:<{self._width}} | {line}\n")

    def _start(
        self, name: str, command: Sequence[str], environment: Mapping[str, str]
    ) -> subprocess.Popen[str]:
        own = {"PYTHONUNBUFFERED": "1", "POLDER_READY_FILE": str(self._ready[name])}
        return subprocess.Popen(
            command,
            env={**environment, **own},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            process_group=0,
            preexec_fn=_end_with_parent,
        )

    def _read(self, name: str, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            self.say(name, line.rstrip("\n"))

    def _live(self) -> list[str]:
        return [name for name, process in self._processes.items() if process.poll() is None]

    def _ended(self) -> tuple[str, int] | None:
        for name, process in self._processes.items():
            if (code := process.poll()) is not None:
                return name, code if code >= 0 else 128 - code
        return None

    def _end(self) -> None:
        again = stop_on()
        for process in self._processes.values():
            if process.poll() is None:
                process.terminate()
        deadline = time.monotonic() + PATIENCE
        while self._live() and time.monotonic() < deadline and not again.wait(_GLANCE):
            pass
        for name in self._live():
            self.say("events", f"{name} does not end, and is killed")
        for process in self._processes.values():
            with suppress(ProcessLookupError):  # and whatever it left behind
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        for reader in self._readers:
            reader.join(PATIENCE)
        self._folder.cleanup()
