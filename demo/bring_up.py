"""Bringing the stack up when it is down, and down again."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from demo.errors import DemoFailed
from demo.stack_env import read_stack_env
from demo.teller import Teller
from deploy.local.stack import ROOT

UP_SECONDS = 600  # with packages to be installed
QUIET_SECONDS = 0.5  # without another line, `make up` has said everything
STOP_SECONDS = 120
POLL_SECONDS = 0.1


@dataclass
class Brought:
    """`make up` as a child in a session of its own, out of reach of Ctrl-C. What it says is told as it comes."""

    program: subprocess.Popen[bytes]
    log: Path
    teller: Teller
    told: int = 0

    @classmethod
    def begin(cls, run_dir: Path, teller: Teller) -> Brought:
        log = run_dir / "logs" / "up.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        ours = run_dir == ROOT / ".run"
        command = ["make", "--no-print-directory", "up"] if ours else [sys.executable, "-m", "deploy.local", "--run-dir", str(run_dir), "up"]
        with log.open("wb") as output:
            program = subprocess.Popen(
                command, cwd=ROOT, env=os.environ, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
            )
        return cls(program, log, teller)

    def wait_ready(self, run_dir: Path) -> dict[str, str]:
        """Returns stack.env. Raises DemoFailed when it does not come up, with everything it said told."""
        deadline, heard = time.monotonic() + UP_SECONDS, time.monotonic()
        with self.teller.turning("the shop comes up"):
            while True:
                heard = time.monotonic() if self._tell() else heard
                variables = read_stack_env(run_dir)
                if variables is not None and self._has_said_all(variables) and time.monotonic() - heard > QUIET_SECONDS and is_ready(variables):
                    return variables
                if self.has_failed or time.monotonic() > deadline:
                    self._tell()
                    raise DemoFailed(f"The shop did not come up. All that was said: {self.log}")
                time.sleep(POLL_SECONDS)

    @property
    def has_failed(self) -> bool:
        """It has ended, with everything stopped."""
        return self.program.poll() not in (None, 0)

    def _has_said_all(self, variables: Mapping[str, str]) -> bool:
        """The last thing it does, with everything seeded, is to print how to get in; or it has returned."""
        return self.program.poll() == 0 or variables["API_KEY"].encode() in self.log.read_bytes()

    def stop(self) -> None:
        """As Ctrl-C at `make up`; one that has returned already, having started containers, is told `make down`."""
        if self.program.poll() is None:
            os.killpg(self.program.pid, signal.SIGTERM)
        else:
            with self.log.open("ab") as output:
                down = ["make", "--no-print-directory", "down"]
                subprocess.run(down, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT, check=True, start_new_session=True)
        deadline = time.monotonic() + STOP_SECONDS
        while self.program.poll() is None and time.monotonic() < deadline:
            self._tell()
            time.sleep(POLL_SECONDS)
        self._tell()
        if self.program.poll() is None:
            raise DemoFailed(f"What was brought up (process {self.program.pid}) has not stopped within {STOP_SECONDS} s.")

    def _tell(self) -> bool:
        """The lines that have come since; whether there were any."""
        with self.log.open("rb") as log:
            log.seek(self.told)
            whole, newline, _ = log.read().rpartition(b"\n")
        if not newline:
            return False
        self.told += len(whole) + 1
        for line in whole.decode(errors="replace").splitlines():
            self.teller.line(line.removeprefix("  "))
        return True


def is_ready(variables: Mapping[str, str]) -> bool:
    """Whether the services answer that they are."""
    return all(_is_ready(variables[name]) for name in ("ORDER_URL", "INVENTORY_URL", "SHIPPING_URL"))


def _is_ready(base: str) -> bool:
    address = urlsplit(base)
    connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
