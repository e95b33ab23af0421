"""PostgreSQL's log holds nothing that a customer wrote, whatever happens to the statement that
carries it."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from django.db import Error, connection, transaction
from uuid_utils.compat import uuid7

from deploy.local.databases import PRIVATE_LOG
from polder.outbox.guard.bypass import unguarded
from polder.testing import eventually
from polder.testing.database import at_once, other_connection

LOG = Path(os.environ["POLDER_RUN_DIR"]) / "logs" / "postgres.log"


def insert_order(email: str, country: str = "NL", status: str = "pending") -> None:
    with transaction.atomic(), unguarded("an order"), connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO orders (id, version, created_at, updated_at, status, customer_name,
                customer_email, line1,
                postal_code, city, country, lines)
            VALUES (%s, 1, now(), now(), %s, 'Ada', %s, 'Dijk 1', '2611', 'Delft', %s, '[]')""",
            [uuid7(), status, email, country],
        )


def breaks_a_constraint(email: str) -> None:
    with pytest.raises(Error):
        insert_order(email, status=email[:12])


def is_too_long(email: str) -> None:
    with pytest.raises(Error):
        insert_order(email, country=email)


def is_there_already(email: str) -> None:
    with other_connection() as other:
        other.execute("CREATE TABLE IF NOT EXISTS people (email text PRIMARY KEY)")
        other.execute(f"INSERT INTO people VALUES ('{email}')")
        with pytest.raises(psycopg.Error):
            other.execute(f"INSERT INTO people VALUES ('{email}')")


def waits_for_a_lock(email: str) -> None:
    with other_connection() as other, other_connection() as waiting:
        waiting.execute("SET lock_timeout = '3s'")
        with other.transaction():
            other.execute("LOCK TABLE polder_outbox IN ACCESS EXCLUSIVE MODE")
            with pytest.raises(psycopg.errors.LockNotAvailable):
                waiting.execute(
                    "INSERT INTO polder_outbox (id, type, aggregate_type, subject, version, "
                    "correlation_id, body) VALUES"
                    f" ('{uuid7()}', 't', 'a', 's', 1, '{uuid7()}', '{email}')"
                )


def runs_into_a_deadlock(email: str) -> None:
    with other_connection() as other:
        other.execute("CREATE TABLE IF NOT EXISTS two (id int PRIMARY KEY, email text)")
        other.execute("INSERT INTO two VALUES (1, ''), (2, '') ON CONFLICT DO NOTHING")
    both = threading.Barrier(2)

    def crosswise(first: int, second: int) -> Callable[[], None]:
        def update() -> None:
            with other_connection() as one, one.transaction():
                one.execute(f"UPDATE two SET email = '{email}' WHERE id = {first}")
                both.wait(30)
                one.execute(f"UPDATE two SET email = '{email}' WHERE id = {second}")

        return update

    outcomes = at_once(crosswise(1, 2), crosswise(2, 1))
    assert [type(outcome) for outcome in outcomes].count(psycopg.errors.DeadlockDetected) == 1


def is_stopped(email: str) -> None:
    with other_connection() as other:
        other.execute("SET statement_timeout = '50ms'")
        with pytest.raises(psycopg.errors.QueryCanceled):
            other.execute(f"SELECT pg_sleep(5), '{email}'")


CASES = (
    breaks_a_constraint,
    is_too_long,
    is_there_already,
    waits_for_a_lock,
    runs_into_a_deadlock,
    is_stopped,
)


@pytest.mark.parametrize("happens", CASES, ids=lambda case: case.__name__)
def test_nobody_reads_it_in_the_log(committed: None, happens: Callable[[str], None]) -> None:
    # Given
    email, marker = f"ada-{uuid7().hex}@example.org", f"marker_{uuid7().hex}"

    # When
    happens(email)

    # Then: what is logged later is there, and with it all that was logged before
    with other_connection() as other, pytest.raises(psycopg.errors.UndefinedFunction):
        other.execute(f"SELECT {marker}()")
    eventually(lambda: marker in LOG.read_text(errors="replace"), seconds=60)
    assert email not in LOG.read_text(errors="replace")
    assert email[:12] not in LOG.read_text(errors="replace")


@pytest.mark.parametrize("setting", PRIVATE_LOG)
def test_the_roles_say_so(db: None, setting: str) -> None:
    name, _, value = setting.partition(" = ")
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting(%s)", [name])
        assert cursor.fetchone() == (value.strip("'"),)


def test_nor_when_a_process_is_lost(db: None) -> None:
    """Then the postmaster logs, by its own settings, what the process was doing."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT reset_val, source FROM pg_settings WHERE name = 'log_error_verbosity'"
        )
        assert cursor.fetchone()[0] == "terse"
    assert (
        "log_error_verbosity = 'terse'"
        in (
            Path(os.environ["POLDER_RUN_DIR"]) / "postgres" / "data" / "postgresql.conf"
        ).read_text()
    )
