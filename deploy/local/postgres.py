"""The private PostgreSQL cluster: made once, configured before every start."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg

from .account import Account
from .environment import Named, inherited
from .errors import PolderError, Refused
from .packages import postgres_programs
from .ports import HOST
from .processes import ProcessSpec
from .run_directory import RunDirectory
from .steps import Steps

SUPERUSER = "polder_admin"

SETTINGS: Mapping[str, str] = {
    "listen_addresses": HOST,
    # a socket's path may have 107 bytes; a checkout's may well have more
    "unix_socket_directories": "",
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
    # else the postmaster logs what a process that was lost had been doing
    "log_error_verbosity": "terse",
    "cluster_name": "polder",
}
# What it says while it is not there yet, as opposed to turning us away.
STARTS_OR_STOPS = (
    "starting up",
    "shutting down",
    "recovery",
    "not yet accepting",
    "too many clients",
)


def superuser_url(password: str, address: str, database: str) -> str:
    return f"postgres://{SUPERUSER}:{quote(password, safe='')}@{address}/{database}"


@dataclass(frozen=True)
class PostgresCluster:
    run: RunDirectory
    port: int
    passwords: Named

    @property
    def data(self) -> Path:
        return self.run.postgres / "data"

    def prepare(self, steps: Steps) -> ProcessSpec:
        """Make the cluster unless it exists, write its configuration, and say how to run it."""
        account = Account.owning(self.run.postgres)
        if not self.data.exists():
            self._make(account, steps)
        programs = self._programs()
        settings = {**SETTINGS, "port": str(self.port)}
        self._write(
            account,
            "postgresql.conf",
            "".join(f"{name} = '{value}'\n" for name, value in settings.items()),
        )
        self._write(account, "pg_hba.conf", f"host all all {HOST}/32 scram-sha-256\n")
        return ProcessSpec(
            name="postgres",
            group="postgres",
            command=(str(programs / "postgres"), "-D", str(self.data)),
            environment=self._environment(),
            is_ready=self.answers,
            cwd=self.run.postgres,
            death_signal=signal.SIGINT,
            account=account.options,
        )

    def connection_url(self, database: str = "postgres") -> str:
        """For the superuser."""
        return superuser_url(self.passwords["postgres"], f"{HOST}:{self.port}", database)

    def connect(self, database: str = "postgres") -> psycopg.Connection:
        return psycopg.connect(self.connection_url(database), autocommit=True, connect_timeout=5)

    def answers(self) -> bool:
        """Raises Refused when it is there and turns us away."""
        try:
            self.connect().close()
        except psycopg.OperationalError as error:
            said = str(error)
            if "FATAL:" in said and not any(words in said for words in STARTS_OR_STOPS):
                raise Refused(
                    f"PostgreSQL refuses {SUPERUSER}: {said.strip()}\n{PASSWORD_FIX}"
                ) from error
            return False
        return True

    def _make(self, account: Account, steps: Steps) -> None:
        # Under another name until it is whole: interrupted, it is made anew.
        unfinished, password = self.run.postgres / "data.new", self.run.postgres / "password"
        shutil.rmtree(unfinished, ignore_errors=True)
        password.unlink(missing_ok=True)
        password.touch(mode=0o600)
        password.write_text(self.passwords["postgres"])
        account.own(password)
        initdb = [
            str(self._programs() / "initdb"),
            "--pgdata",
            str(unfinished),
            "--username",
            SUPERUSER,
        ]
        options = [
            "--auth=scram-sha-256",
            "--pwfile",
            str(password),
            "--encoding=UTF8",
            "--locale=C.UTF-8",
        ]
        try:
            steps.run("initdb", account.command([*initdb, *options]), self._environment())
        finally:
            password.unlink()
        unfinished.rename(self.data)

    def _write(self, account: Account, name: str, text: str) -> None:
        path = self.data / name
        path.write_text(text)
        account.own(path)

    def _programs(self) -> Path:
        """Those of the version that made the data, which no other can read."""
        installed = postgres_programs()
        if not self.data.exists():
            return installed[0]
        version = (self.data / "PG_VERSION").read_text().strip()
        for programs in installed:
            if programs.parent.name == version:
                return programs
        raise PolderError(
            f"The data in {self.data} was made by PostgreSQL {version}, which is not installed "
            "any more.\n"
            f"Install postgresql-{version}, or delete all data with: make reset"
        )

    def _environment(self) -> dict[str, str]:
        # PGDATA and the like of the person's shell must not reach it.
        return inherited({"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "TZ": "UTC"})


PASSWORD_FIX = (
    "The data has another password than .run/passwords.json: bring that file back, "
    "write the right "
    "one into it,\nor delete all data with: make reset"
)
