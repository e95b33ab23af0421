"""A base backup of the private PostgreSQL and the archive of its WAL, and the cluster as it was at
a moment, brought up beside it: what docs/operations.md describes."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from psycopg.sql import SQL, Identifier, Literal

from deploy.local.packages import postgres_programs
from deploy.local.ports import HOST, Ports
from deploy.local.postgres import Account
from tests.blackbox.shop import until
from tests.disturbed import DisturbedStack

SLOW = 180.0  # seconds


class Archive:
    """`begin()`, then, later, `recovered(moment)`. PostgreSQL is restarted once, to archive."""

    def __init__(self, stack: DisturbedStack) -> None:
        self.stack = stack
        self.home = stack.run.postgres
        self.account = Account.owning(self.home)
        self.wal, self.base = self.home / "wal-archive", self.home / "base"

    def begin(self) -> None:
        """Archives the WAL from now on, and takes a base backup."""
        self.wal.mkdir()
        self.account.own(self.wal)
        with self.stack.postgres.connect() as server:
            for name, value in (
                ("archive_mode", "on"),
                ("archive_command", f"test ! -f {self.wal}/%f && cp %p {self.wal}/%f"),
                ("max_wal_senders", "4"),
            ):
                server.execute(
                    SQL("ALTER SYSTEM SET {} = {}").format(Identifier(name), Literal(value))
                )
        with (self.stack.postgres.data / "pg_hba.conf").open("a") as rules:
            rules.write(f"host replication all {HOST}/32 scram-sha-256\n")
        self.stack.stop_process("postgres")
        self.stack.start_process("postgres")
        self.stack.wait_ready("postgres")
        self._run("pg_basebackup", "-D", self.base, "-d", self.stack.postgres.connection_url())

    def moment(self) -> datetime:
        """Now, as PostgreSQL says."""
        with self.stack.postgres.connect() as server:
            [now] = server.execute("SELECT clock_timestamp()").fetchone() or ()
        return now

    @contextmanager
    def recovered(self, moment: datetime) -> Iterator[str]:
        """The address (`host:port`) of a cluster that is as it was at that moment."""
        with self.stack.postgres.connect() as server:
            [last] = server.execute("SELECT pg_walfile_name(pg_switch_wal())").fetchone() or ()
        until((self.wal / str(last)).exists, "the WAL is archived", SLOW)
        port = Ports.free(["order"])["order"]
        settings = (
            f"restore_command = 'cp {self.wal}/%f %p'\n"
            f"recovery_target_time = '{moment.isoformat()}'\n"
            "recovery_target_action = 'promote'\n"
            "archive_mode = off\n"
            f"port = {port}\n"
        )
        with (self.base / "postgresql.auto.conf").open("a") as conf:
            conf.write(settings)
        (self.base / "recovery.signal").touch()
        self.account.own(self.base / "recovery.signal")
        server_process = subprocess.Popen(
            self.account.command([str(self._program("postgres")), "-D", str(self.base)]),
            cwd=self.home,
            env={"PATH": os.environ["PATH"]},
        )
        try:
            address = f"{HOST}:{port}"
            until(lambda: self._is_promoted(address), "the cluster is recovered", SLOW)
            yield address
        finally:
            server_process.terminate()
            server_process.wait(30)

    def url(self, address: str, database: str) -> str:
        there = urlsplit(self.stack.postgres.connection_url(database))
        return there._replace(netloc=f"{there.netloc.rpartition('@')[0]}@{address}").geturl()

    def _is_promoted(self, address: str) -> bool:
        try:
            with psycopg.connect(self.url(address, "postgres"), connect_timeout=5) as server:
                [recovers] = server.execute("SELECT pg_is_in_recovery()").fetchone() or (True,)
        except psycopg.OperationalError:
            return False
        return not recovers

    def _run(self, program: str, *arguments: object) -> None:
        subprocess.run(
            self.account.command([str(self._program(program)), *map(str, arguments)]),
            check=True,
            cwd=self.home,
            env={"PATH": os.environ["PATH"]},
        )

    def _program(self, name: str) -> Path:
        return postgres_programs()[0] / name
