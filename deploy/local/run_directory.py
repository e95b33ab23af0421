"""Where everything lies under the run directory (`.run/`)."""

from __future__ import annotations

import os
import shlex
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

SOCKET_PATH_BYTES = 90  # of the 107 that one may have; supervisord adds its process's id


@dataclass(frozen=True)
class RunDirectory:
    """The paths under `root`, which must be absolute. Creates nothing until `create()`."""

    root: Path

    def create(self) -> None:
        """Make the directories; may run any number of times."""
        for folder in (self.root, self.logs, self.static, self.processes):
            folder.mkdir(parents=True, exist_ok=True)
        self.processes.chmod(0o700)  # the scripts in it have the passwords

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def static(self) -> Path:
        return self.root / "static"

    @property
    def processes(self) -> Path:
        """A script for each process, as supervisord runs it."""
        return self.root / "processes"

    @property
    def postgres(self) -> Path:
        return self.root / "postgres"

    @property
    def rabbitmq(self) -> Path:
        return self.root / "rabbitmq"

    @property
    def lock(self) -> Path:
        return self.root / "up.lock"

    @property
    def passwords(self) -> Path:
        return self.root / "passwords.json"

    @property
    def ports(self) -> Path:
        return self.root / "ports.json"

    @property
    def stack_env(self) -> Path:
        return self.root / "stack.env"

    @property
    def socket(self) -> Path:
        """Where supervisord listens."""
        path = self.root / "supervisor.sock"
        if len(os.fsencode(path)) <= SOCKET_PATH_BYTES:
            return path
        known = self.root / "supervisor.sock.where"
        if not known.exists():
            known.write_text(tempfile.mkdtemp(prefix="polder-"))
        return Path(known.read_text()) / "supervisor.sock"

    def pid(self, process: str) -> Path:
        return self.root / f"{process}.pid"

    def script(self, process: str) -> Path:
        return self.processes / f"{process}.sh"

    def starts(self, process: str) -> Path:
        """One byte for each start since it was wanted."""
        return self.processes / f"{process}.starts"

    def ready(self, process: str, pid: int) -> Path:
        """What the process with this id touches when it is ready."""
        return self.processes / f"{process}.{pid}.ready"

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


def write_private(path: Path, text: str) -> None:
    """Replace a file in one step, readable by its owner only: no reader ever sees half of it."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # 0600
    try:
        with os.fdopen(handle, "w") as file:
            file.write(text)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def lines_of(variables: Mapping[str, str]) -> str:
    """The content of a file that a shell can read with `.`, whatever the values hold."""
    return "".join(f"{name}={shlex.quote(value)}\n" for name, value in variables.items())


def variables_of(path: Path) -> dict[str, str]:
    """What such a file sets. Raises FileNotFoundError."""
    words = shlex.split(path.read_text(), comments=True)
    return {name: value for name, found, value in (word.partition("=") for word in words) if found}
