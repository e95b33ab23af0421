"""Backups of a service's database, and the service set back by one."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from uuid import uuid4

from deploy.local.packages import postgres_programs
from tests.disturbed import DisturbedStack

PROCESSES = ("web", "relay", "worker", "housekeeper", "beat")


class Backup:
    """Of one service's database, by pg_dump, while it works, or of the copy of it that has the
    `url`. `restore()` brings it back and starts the service again."""

    def __init__(
        self, stack: DisturbedStack, service: str, folder: Path, url: str | None = None
    ) -> None:
        self.stack, self.service, self.database = stack, service, f"polder_{service}"
        self.file = folder / f"{service}-{uuid4().hex[:8]}.dump"
        self._run("pg_dump", "--format=custom", f"--file={self.file}", url or self._url())

    def restore(self, *, start: bool = True) -> None:
        for process in PROCESSES:
            self.stack.stop_process(f"{self.service}-{process}")
        with self.stack.postgres.connect() as server:
            server.execute(f"DROP DATABASE {self.database} WITH (FORCE)")  # type: ignore[call-overload]
            server.execute(f"CREATE DATABASE {self.database} OWNER {self.service}_ddl")  # type: ignore[call-overload]
        self._run("pg_restore", "--exit-on-error", f"--dbname={self._url()}", str(self.file))
        if start:
            self.start()

    def start(self) -> None:
        for process in PROCESSES:
            self.stack.start_process(f"{self.service}-{process}")

    def _url(self) -> str:
        return self.stack.postgres.connection_url(self.database)

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [str(postgres_programs()[0] / program), *arguments],
            check=True,
            env={"PATH": os.environ["PATH"]},
        )
