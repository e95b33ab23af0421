"""The private PostgreSQL: its data is made once, its configuration before every start."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg

from .environment import BARE
from .errors import PolderError, Refused
from .packages import postgres_programs
from .ports import HOST
from .processes import ProcessSpec
from .run_directory import RunDirectory
from .steps import Steps

SUPERUSER = "polder_admin"
CONFIGURATION = Path(__file__).with_name("postgresql.conf")
AS_POSTGRES = ("--reuid=postgres", "--regid=postgres", "--init-groups")
# The checkout may lie where the other user may not even look (/root is mode 700). The server keeps
# the one capability that lets it through; CAP_DAC_READ_SEARCH would do, but containers lack it.
THROUGH = ("--inh-caps=+dac_override", "--ambient-caps=+dac_override")


@dataclass(frozen=True)
class PostgresServer:
    """A server as its superuser connects to it. `password` is its name among the passwords."""

    address: str
    passwords: Mapping[str, str]
    password: str

    def connection_url(self, database: str = "postgres") -> str:
        password = quote(self.passwords[self.password], safe="")
        return f"postgres://{SUPERUSER}:{password}@{self.address}/{database}"

    def connect(self, database: str = "postgres") -> psycopg.Connection:
        """In autocommit. Raises psycopg.OperationalError."""
        return psycopg.connect(self.connection_url(database), autocommit=True, connect_timeout=5)


@dataclass(frozen=True)
class PostgresCluster(PostgresServer):
    """The one under a run directory."""

    run: RunDirectory

    @property
    def data(self) -> Path:
        return self.run.postgres / "data"

    def prepare(self, steps: Steps) -> ProcessSpec:
        """Makes the data unless it exists, writes the configuration, and says how to run it."""
        account = Account.owning(self.run.postgres)
        if not self.data.exists():
            self._make(account, steps)
        port = self.address.rpartition(":")[2]
        for name, text in (
            ("postgresql.conf", f"{CONFIGURATION.read_text()}port = {port}\n"),
            ("pg_hba.conf", f"host all all {HOST}/32 scram-sha-256\n"),
        ):
            (self.data / name).write_text(text)
            account.own(self.data / name)
        end = ("setpriv", *account.options, "--pdeathsig=INT", "--")
        return ProcessSpec(
            name="postgres",
            group="postgres",
            command=(*end, str(self._programs() / "postgres"), "-D", str(self.data)),
            environment=BARE,
            is_ready=self.answers,
            cwd=self.run.postgres,
        )

    def answers(self) -> bool:
        """Raises Refused."""
        try:
            self.connect().close()
        except psycopg.OperationalError as error:
            if "password authentication failed" in str(error):
                raise Refused("PostgreSQL", SUPERUSER) from error
            return False
        return True

    def _make(self, account: Account, steps: Steps) -> None:
        # Under another name until it is whole: interrupted, it is made anew.
        unfinished, password = self.run.postgres / "data.new", self.run.postgres / "password"
        shutil.rmtree(unfinished, ignore_errors=True)
        password.unlink(missing_ok=True)
        password.touch(mode=0o600)
        password.write_text(self.passwords[self.password])
        account.own(password)
        options = f"--auth=scram-sha-256 --encoding=UTF8 --locale=C.UTF-8 --username={SUPERUSER}"
        places = [f"--pgdata={unfinished}", f"--pwfile={password}"]
        initdb = [str(self._programs() / "initdb"), *options.split(), *places]
        try:
            steps.run("initdb", account.command(initdb), BARE)
        finally:
            password.unlink()
        unfinished.rename(self.data)

    def _programs(self) -> Path:
        """Those of the version that made the data, which no other can read."""
        installed = {programs.parent.name: programs for programs in postgres_programs()}
        if not self.data.exists():
            return next(iter(installed.values()))
        version = (self.data / "PG_VERSION").read_text().strip()
        if version not in installed:
            raise PolderError(
                f"The data in {self.data} was made by PostgreSQL {version}, which is not installed "
                f"any more.\nInstall postgresql-{version}, or delete all data with: make reset"
            )
        return installed[version]


@dataclass(frozen=True)
class Account:
    """The user that PostgreSQL, which refuses root, runs as: ourselves, or the one that Debian's
    packages have made for it. `options` are setpriv's."""

    options: tuple[str, ...]

    @classmethod
    def owning(cls, folder: Path) -> Account:
        """The account for a server with its data in `folder` (made if missing)."""
        folder.mkdir(parents=True, exist_ok=True)
        if os.geteuid() != 0:
            return cls(())
        closed = not all(above.stat().st_mode & 0o001 for above in folder.parents)
        account = cls((*AS_POSTGRES, *(THROUGH if closed else ())))
        account.own(folder)
        return account

    def command(self, command: Sequence[str]) -> list[str]:
        return ["setpriv", *self.options, "--", *command]

    def own(self, path: Path) -> None:
        if self.options:
            shutil.chown(path, "postgres", "postgres")
