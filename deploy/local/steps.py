"""The steps of a start: commands that have to succeed, each with a log of its own; several at the
same time."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path

from .errors import Cancelled, failed
from .run_directory import RunDirectory

POLL_SECONDS = 0.05

# Around a step, by its title; entered from several threads at the same time.
Shown = Callable[[str], AbstractContextManager[object]]


def begin(
    command: Sequence[str], at_our_death: str, cwd: Path, environment: Mapping[str, str], log: Path
) -> subprocess.Popen[bytes]:
    """Gets that signal when this process ends, and Ctrl-C never: that is for us to answer. SIGINT
    interrupts it also where we were begun in the background of a script."""
    dies = ("setpriv", f"--pdeathsig={at_our_death}", "--")
    with log.open("wb") as output:
        return subprocess.Popen(
            ["env", "--default-signal=INT", *dies, *command],
            cwd=cwd,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


class Steps:
    """Runs commands in `root`. Once `cancel` was called, what runs is ended and nothing more is
    begun."""

    def __init__(self, run: RunDirectory, root: Path, shown: Shown = nullcontext) -> None:
        self.shown = shown
        self._run = run
        self._root = root
        # A plain value and no threading.Event: a signal handler that takes a lock may wait for
        # itself.
        self.cancelled = False

    def cancel(self) -> None:
        """May be called from a signal handler."""
        self.cancelled = True

    def check(self) -> None:
        """Raises Cancelled."""
        if self.cancelled:
            raise Cancelled("interrupted")

    def run(
        self,
        name: str,
        command: Sequence[str],
        environment: Mapping[str, str],
        *,
        fix: str = "",
    ) -> None:
        """Writes the output to the log called `name`. Raises PolderError, which says `fix`, or
        Cancelled: then the command was interrupted, and ended when it could."""
        self.check()
        # a migration must not go on behind the back of the next `make up`
        process = begin(command, "KILL", self._root, environment, self._run.log(name))
        try:
            while process.poll() is None:
                self.check()
                time.sleep(POLL_SECONDS)
        except BaseException:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGINT)
                process.wait()
                os.killpg(process.pid, signal.SIGKILL)  # whom it has left behind
            raise
        if process.returncode == -signal.SIGINT:
            # Begun in the very moment of Ctrl-C, it was still in the terminal's foreground.
            raise Cancelled("interrupted")
        if process.returncode != 0:
            command_line = " ".join(command)
            message = f"{name} ended with status {process.returncode}. It was: {command_line}"
            raise failed(message, self._run.log(name), fix)

    def together(self, *steps: Callable[[], None]) -> None:
        """At the same time; raises the first error, after the others have been given up or have
        ended."""
        with ThreadPoolExecutor(max_workers=max(1, len(steps))) as threads:
            running = [threads.submit(step) for step in steps]
            try:
                # With a time-out: a wait without one is not interrupted by a signal everywhere.
                while wait(running, timeout=POLL_SECONDS).not_done:
                    if any(step.done() and step.exception() for step in running):
                        self.cancelled = True
            except BaseException:
                self.cancelled = True
                raise
        errors = [error for step in running if (error := step.exception())]
        for error in sorted(errors, key=lambda error: isinstance(error, Cancelled)):
            raise error  # the others were only interrupted by the first
