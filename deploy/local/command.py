"""One command that has to succeed, run to its end, with its output in a log of its own."""

import os
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from .errors import Cancelled, StepFailed
from .run_directory import RunDirectory

POLL_SECONDS = 0.05
INTERRUPT_SECONDS = 2.0


@dataclass(frozen=True)
class CommandRunner:
    """Runs commands in `root`. Once `cancelled` is set, what runs is ended and nothing more is begun."""

    run: RunDirectory
    root: Path
    cancelled: threading.Event

    def __call__(self, name: str, command: Sequence[str], environment: Mapping[str, str], *, mend: str = "", interruptible: bool = True) -> None:
        """Append the output to the log called `name`. Raises StepFailed, which says `mend`, or Cancelled.

        What is not `interruptible` is asked by SIGINT and not killed: it ends when it may.
        """
        if self.cancelled.is_set():
            raise Cancelled(f"{name} was not begun")
        with self.run.log(name).open("ab") as log:
            begin = log.tell()
            # Dies with us: a migration must not go on behind the back of the next `make up`.
            process = subprocess.Popen(
                ["setpriv", "--pdeathsig=KILL", "--", *command],
                cwd=self.root,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for us to answer
            )
            try:
                status = self._wait(name, process)
            except BaseException:
                if interruptible:
                    # With what it started: `docker compose` works in a plugin, which Docker 20.10 leaves behind.
                    with suppress(ProcessLookupError):
                        os.killpg(process.pid, signal.SIGKILL)
                else:
                    process.send_signal(signal.SIGINT)
                process.wait()
                raise
        # Begun in the very moment of Ctrl-C, it was still in the terminal's foreground and got it too, perhaps before we did.
        if status == -signal.SIGINT and self.cancelled.wait(INTERRUPT_SECONDS):
            raise Cancelled(f"{name} was interrupted")
        if status != 0:
            how = f"ended with status {status}" if status > 0 else f"was ended by signal {-status}"
            raise StepFailed(f"{name} {how}.", command=command, log=self.run.log(name), tail=self._output(name, begin), mend=mend)

    def _wait(self, name: str, process: subprocess.Popen[bytes]) -> int:
        while True:
            try:
                return process.wait(POLL_SECONDS)
            except subprocess.TimeoutExpired:
                if self.cancelled.is_set():
                    raise Cancelled(f"{name} was interrupted") from None

    def _output(self, name: str, begin: int) -> list[str]:
        with self.run.log(name).open("rb") as log:
            log.seek(begin)
            return log.read().decode(errors="replace").splitlines()[-30:]
