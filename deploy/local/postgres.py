"""The private PostgreSQL cluster: made once, configured before every start."""

import shutil
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psycopg

from .account import Account
from .command import CommandRunner
from .environment import inherited
from .installed import postgres_programs, postgres_programs_for
from .passwords import Passwords
from .ports import HOST
from .process import ProcessSpec
from .run_directory import RunDirectory

SUPERUSER = "polder_admin"

SETTINGS: Mapping[str, str] = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",  # a socket's path may have 107 bytes; a checkout's may well have more
    "password_encryption": "scram-sha-256",
    "max_connections": "200",
    "max_locks_per_transaction": "256",  # partitioned tables lock every partition
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "work_mem": "8MB",
    "maintenance_work_mem": "64MB",
    "max_wal_size": "1GB",
    "min_wal_size": "128MB",
    "wal_level": "replica",
    "max_wal_senders": "0",
    # What was committed has to survive everything: an event that was acked lives nowhere else.
    "fsync": "on",
    "synchronous_commit": "on",
    "jit": "off",  # compiling costs more than any of our short statements
    "huge_pages": "off",
    "tcp_keepalives_idle": "10",
    "log_timezone": "UTC",
    "timezone": "UTC",
    "log_line_prefix": "%m [%p] %q%u@%d ",
    "log_lock_waits": "on",
    "log_checkpoints": "off",
    "cluster_name": "polder",
}


@dataclass(frozen=True)
class PostgresCluster:
    run: RunDirectory
    port: int
    passwords: Passwords

    @property
    def data(self) -> Path:
        return self.run.postgres / "data"

    def prepare(self, command: CommandRunner) -> ProcessSpec:
        """Make the cluster unless it exists, write its configuration, and say how to run it."""
        account = Account.owning(self.run.postgres)
        if not self.data.exists():
            self._make(account, command)
        self._configure(account)
        return ProcessSpec(
            name="postgres",
            group="postgres",
            command=(str(self._programs() / "postgres"), "-D", str(self.data)),
            environment=self._environment(),
            is_ready=self.answers,
            cwd=self.run.postgres,
            stop_signal=signal.SIGINT,  # fast: ends the sessions instead of waiting for them
            death_signal=signal.SIGINT,
            account=account.options,
        )

    def connection_url(self, database: str = "postgres") -> str:
        """For the superuser."""
        return f"postgres://{SUPERUSER}:{self.passwords['postgres']}@{HOST}:{self.port}/{database}"

    def connect(self, database: str = "postgres") -> psycopg.Connection:
        return psycopg.connect(self.connection_url(database), autocommit=True, connect_timeout=5)

    def answers(self) -> bool:
        try:
            self.connect().close()
        except psycopg.OperationalError:
            return False
        return True

    def _make(self, account: Account, command: CommandRunner) -> None:
        # Under another name until it is whole: interrupted, it is made anew.
        unfinished, password = self.run.postgres / "data.new", self.run.postgres / "password"
        shutil.rmtree(unfinished, ignore_errors=True)
        password.unlink(missing_ok=True)
        password.touch(mode=0o600)
        password.write_text(self.passwords["postgres"])
        account.own(password)
        initdb = [str(self._programs() / "initdb"), "--pgdata", str(unfinished), "--username", SUPERUSER]
        options = ["--auth=scram-sha-256", "--pwfile", str(password), "--encoding=UTF8", "--locale=C.UTF-8"]
        try:
            command("initdb", account.command([*initdb, *options]), self._environment())
        finally:
            password.unlink()
        unfinished.rename(self.data)

    def _configure(self, account: Account) -> None:
        settings = {**SETTINGS, "port": str(self.port)}
        self._write(account, "postgresql.conf", "".join(f"{name} = '{value}'\n" for name, value in settings.items()))
        self._write(account, "pg_hba.conf", f"host all all {HOST}/32 scram-sha-256\n")

    def _write(self, account: Account, name: str, text: str) -> None:
        path = self.data / name
        path.write_text(text)
        account.own(path)

    def _programs(self) -> Path:
        return postgres_programs_for(self.data) if self.data.exists() else postgres_programs()[0]

    def _environment(self) -> dict[str, str]:
        # PGDATA and the like of the person's shell must not reach it.
        return inherited({"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "TZ": "UTC"})
