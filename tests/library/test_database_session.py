"""What a statement means, and how long it may take, is what this process says and nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from django.core.management import call_command
from django.core.management.commands.migrate import Command as Migrate
from django.db import OperationalError, connection
from uuid_utils.compat import uuid7

from polder.database.connection import look_at, psycopg_parameters
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
from polder.testing.database import other_connection
from tests.library.own_server import own_server

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
    with own_server() as found:
        yield found


def test_what_keeps_tcp_alive_is_no_reason_to_refuse_a_socket(
    by_socket: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    options = session_options(HOUSEKEEPING)
    assert "tcp_keepalives_idle" in options
    with psycopg.connect(**by_socket, options=options) as housekeeper:  # type: ignore[arg-type]
        look_at(housekeeper, options)

    monkeypatch.setattr(reader, "psycopg_parameters", lambda: by_socket)
    OutboxReader.connect().close()


@pytest.mark.parametrize(
    "said", ["work_mem=64MB", "statement_timeout=1h", "jit=false", "random_page_cost=1.10"]
)
def test_what_an_address_sets_may_be_written_as_postgresql_reads_it(db: None, said: str) -> None:
    options = f"{session_options(REQUESTS)} -c {said}"
    with psycopg.connect(**psycopg_parameters() | {"options": options}) as one:
        look_at(one, options)


def test_the_relay_takes_on_the_role_that_django_does(
    committed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "assume_role", "order_ddl")
    outbox = OutboxReader.connect()
    assert outbox._connection.execute("SHOW role").fetchone() == ("order_ddl",)
    outbox.close()


def test_the_relay_overlooks_nothing_that_is_hidden_from_its_role(committed: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE polder_outbox ENABLE ROW LEVEL SECURITY")
        cursor.execute("ALTER TABLE polder_outbox FORCE ROW LEVEL SECURITY")  # for the owner, too
    outbox = OutboxReader.connect()
    try:
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
            outbox.select(1)
    finally:
        outbox.close()
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE polder_outbox NO FORCE ROW LEVEL SECURITY")
            cursor.execute("ALTER TABLE polder_outbox DISABLE ROW LEVEL SECURITY")


def test_what_the_session_has_set_keeps_nobody_from_publishing(committed: None) -> None:
    """As in a restore of single tables, or in a session whose functions have other meanings."""
    with other_connection() as other:
        other.execute("SET search_path = ''")
        other.execute(
            "INSERT INTO public.polder_outbox (id, type, aggregate_type, subject, version, "
            "correlation_id, body) VALUES (%(id)s, 't', 'a', 's', 1, %(id)s, '')",
            {"id": uuid7()},
        )
        other.execute("UPDATE public.polder_outbox SET published_at = now()")
        other.execute("UPDATE public.polder_outbox SET published_at = NULL")


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
