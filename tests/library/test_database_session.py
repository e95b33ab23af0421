"""What a statement means, and how long it may take, is what this process says and nobody else."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from django.core.management import call_command
from django.core.management.commands.migrate import Command as Migrate
from django.db import OperationalError, connection

from deploy.local.packages import postgres_programs
from deploy.local.postgres import Account
from polder.database.connection import look_at
from polder.database.partitioning import covered
from polder.database.session import (
    HOUSEKEEPING,
    MAINTENANCE,
    REQUESTS,
    SCHEMA,
    Limits,
    limits_of,
    session_options,
)
from polder.outbox import reader
from polder.outbox.management.commands import migrate
from polder.outbox.reader import OutboxReader
from polder.testing import eventually
from polder.testing.database import other_connection
from tests.temporary import temporary_folder

HOSTILE = {
    "timezone": "Pacific/Kiritimati",
    "datestyle": "German",
    "intervalstyle": "iso_8601",
    "search_path": "elsewhere",
    "default_transaction_isolation": "serializable",
    "lock_timeout": "0",
    "synchronous_commit": "off",
}


@pytest.mark.parametrize(
    ("command", "limits"),
    [
        ("web", REQUESTS),
        ("worker", REQUESTS),
        ("relay", REQUESTS),
        ("housekeeper", HOUSEKEEPING),
        ("migrate", SCHEMA),
        ("republish", MAINTENANCE),
        ("seed", MAINTENANCE),
        ("redrive", MAINTENANCE),
    ],
)
def test_each_command_has_its_limits(command: str, limits: Limits) -> None:
    assert limits_of(["/app/manage.py order", command, "--some"]) == limits
    assert limits_of(["manage.py", command]) == limits
    assert limits_of(["/usr/bin/pytest", command]) == REQUESTS


def test_what_a_database_has_set_changes_nothing(committed: None) -> None:
    # Given
    name = connection.settings_dict["NAME"]
    with other_connection() as other:
        for setting, value in HOSTILE.items():
            other.execute(f"ALTER DATABASE {name} SET {setting} = '{value}'")  # type: ignore[call-overload]
        try:
            # When
            with other_connection() as fresh:
                found = {
                    setting: fresh.execute("SELECT current_setting(%s)", [setting]).fetchone()
                    for setting in HOSTILE
                }
        finally:
            for setting in HOSTILE:
                other.execute(f"ALTER DATABASE {name} RESET {setting}")  # type: ignore[call-overload]

    # Then
    assert found == {
        "timezone": ("UTC",),
        "datestyle": ("ISO, MDY",),
        "intervalstyle": ("postgres",),
        "search_path": ("public",),
        "default_transaction_isolation": ("read committed",),
        "lock_timeout": ("10s",),
        "synchronous_commit": ("on",),
    }


@pytest.fixture
def by_socket() -> Iterator[dict[str, str]]:
    """How to connect to a server that listens at a Unix socket only."""
    with temporary_folder("socket") as folder, ExitStack() as stack:
        account, data = Account.owning(folder), str(folder / "data")
        initdb, postgres = (str(postgres_programs()[0] / one) for one in ("initdb", "postgres"))
        make = account.command([initdb, "-A", "trust", "-U", "polder", "-D", data])
        subprocess.run(make, check=True, stdout=subprocess.DEVNULL)
        only = ["-c", "listen_addresses=", "-c", f"unix_socket_directories={folder}"]
        server = subprocess.Popen(
            account.command([postgres, "-D", data, *only]), stderr=subprocess.DEVNULL
        )
        stack.callback(server.wait)
        stack.callback(server.terminate)
        found = {"host": str(folder), "user": "polder", "dbname": "postgres"}
        eventually(lambda: answers(found))
        yield found


def answers(found: dict[str, str]) -> bool:
    try:
        psycopg.connect(**found).close()  # type: ignore[arg-type]
    except psycopg.OperationalError:
        return False
    return True


def test_what_keeps_tcp_alive_is_no_reason_to_refuse_a_socket(
    by_socket: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    options = session_options(HOUSEKEEPING)
    assert "tcp_keepalives_idle" in options
    with psycopg.connect(**by_socket, options=options) as housekeeper:  # type: ignore[arg-type]
        look_at(housekeeper, options)

    monkeypatch.setattr(reader, "psycopg_parameters", lambda: by_socket)
    OutboxReader.connect().close()


@pytest.mark.parametrize("table", ["polder_outbox", "polder_ledger"])
def test_weeks_are_the_same_whoever_asks_for_them(committed: None, table: str) -> None:
    # Given a session with settings of its own, and a schema that has other functions under the same
    # names
    before = covered(table)
    moment = datetime.now(UTC) + timedelta(days=7)
    with other_connection() as other:
        other.execute("CREATE SCHEMA IF NOT EXISTS elsewhere")
        other.execute(
            "CREATE OR REPLACE FUNCTION elsewhere.to_char(timestamptz, text) RETURNS text "
            "LANGUAGE sql AS $$ SELECT 'never' $$"
        )
        other.execute(
            "CREATE OR REPLACE FUNCTION elsewhere.lpad(text, int, text) RETURNS text LANGUAGE sql "
            "AS $$ SELECT '0' $$"
        )
        other.execute(f"DROP TABLE IF EXISTS {table}_{moment:%G}w{moment:%V}")  # type: ignore[call-overload]
        for setting, value in (HOSTILE | {"search_path": "elsewhere, pg_catalog"}).items():
            other.execute(
                f"SET {setting} = '{value}'"
                if setting != "search_path"
                else f"SET search_path = {value}"
            )  # type: ignore[call-overload]

        # When
        made = other.execute(f"SELECT public.{table}_make_partitions(14)").fetchone()  # type: ignore[call-overload]
        floor = other.execute("SELECT public.polder_outbox_floor() >= 0").fetchone()

    # Then
    assert made == (1,)
    assert covered(table) == before
    assert floor == (True,)


def test_a_migration_tries_again_while_a_table_is_in_use(monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[int] = []

    def handle(self: Migrate, *args: object, **options: object) -> None:
        tries.append(1)
        if len(tries) < 3:
            raise OperationalError("lock timeout") from psycopg.errors.LockNotAvailable(
                "lock timeout"
            )

    monkeypatch.setattr(Migrate, "handle", handle)
    monkeypatch.setattr(migrate.time, "sleep", lambda seconds: None)

    call_command("migrate", "--check", verbosity=0)

    assert len(tries) == 3
