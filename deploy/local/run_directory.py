"""Where everything lies under the run directory (`.run/`)."""

from __future__ import annotations

import os
import shlex
import tempfile
from collections.abc import Mapping
from pathlib import Path


class RunDirectory:
    """The paths under `root`, which must be absolute. Creates nothing until `create()`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.logs = root / "logs"
        self.static = root / "static"
        self.processes = root / "processes"  # a script for each process, for supervisord
        self.postgres = root / "postgres"
        self.rabbitmq = root / "rabbitmq"
        self.lock = root / "up.lock"
        self.up_pid = root / "up.pid"
        self.passwords = root / "passwords.json"
        self.ports = root / "ports.json"
        self.stack_env = root / "stack.env"

    def create(self) -> None:
        """Makes the directories; may run any number of times."""
        for folder in (self.root, self.logs, self.static, self.processes):
            folder.mkdir(parents=True, exist_ok=True)
        self.processes.chmod(0o700)  # the scripts in it have the passwords

    def pid(self, process: str) -> Path:
        return self.root / f"{process}.pid"

    def script(self, process: str) -> Path:
        return self.processes / f"{process}.sh"

    def starts(self, process: str) -> Path:
        """Has a byte for each start since the last one that was asked for."""
        return self.processes / f"{process}.starts"

    def ready(self, process: str, pid: int) -> Path:
        """What the process with this id touches when it is ready."""
        return self.processes / f"{process}.{pid}.ready"

    def log(self, name: str) -> Path:
        return self.logs / f"{name}.log"


def write_private(path: Path, text: str, mode: int = 0o600) -> None:
    """Replaces a file in one step, readable by its owner only unless `mode` says otherwise: no
    reader sees half of it."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w") as file:
            os.fchmod(handle, mode)
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
    return dict(word.split("=", 1) for word in words)
