"""Where everything lies under the run directory (`.run/`)."""

from __future__ import annotations

import os
import shlex
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

LOG_KEPT_BYTES = 20_000_000


@dataclass(frozen=True)
class RunDirectory:
    """The paths under `root`, which must be absolute. Creates nothing until `create()`."""

    root: Path

    def create(self) -> None:
        """Make the directories; may run any number of times."""
        for folder in (self.root, self.logs, self.held, self.static):
            folder.mkdir(parents=True, exist_ok=True)

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def held(self) -> Path:
        """One empty file per process that `make stop` stopped: the supervisor leaves those down."""
        return self.root / "stopped"

    @property
    def static(self) -> Path:
        return self.root / "static"

    @property
    def postgres(self) -> Path:
        return self.root / "postgres"

    @property
    def rabbitmq(self) -> Path:
        return self.root / "rabbitmq"

    @property
    def lock(self) -> Path:
        return self.root / "supervisor.lock"

    @property
    def state(self) -> Path:
        return self.root / "state.json"

    @property
    def passwords(self) -> Path:
        return self.root / "passwords.json"

    @property
    def stack_env(self) -> Path:
        return self.root / "stack.env"

    def pid(self, process: str) -> Path:
        return self.root / f"{process}.pid"

    def ready(self, process: str) -> Path:
        return self.root / f"{process}.ready"

    def log(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    def tail(self, name: str, lines: int = 30) -> list[str]:
        """The last lines of a log; none if there is no log yet."""
        try:
            with self.log(name).open("rb") as log:
                log.seek(max(0, log.seek(0, os.SEEK_END) - 64_000))
                return log.read().decode(errors="replace").splitlines()[-lines:]
        except FileNotFoundError:
            return []

    def rotate_logs(self) -> None:
        """Set large logs aside, one generation, while nothing writes to them."""
        for log in self.logs.glob("*.log"):
            if log.stat().st_size > LOG_KEPT_BYTES:
                log.replace(log.with_suffix(".log.1"))


def write_private(path: Path, text: str) -> None:
    """Replace a file in one step, readable by its owner only: no reader ever sees half of it."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mkstemp makes it 0600
    try:
        with os.fdopen(handle, "w") as file:
            file.write(text)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def lines_of(variables: Mapping[str, str]) -> str:
    """The content of a file that a shell can read with `.` and Docker as an `env_file`."""
    return "".join(f"{name}={shlex.quote(value)}\n" for name, value in variables.items())


def remove(paths: Iterable[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)
