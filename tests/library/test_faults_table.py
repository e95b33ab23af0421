"""Whose fault an error is: each class of the table, as PostgreSQL and Python really raise it."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import Error, InterfaceError, OperationalError, connection, transaction
from django.utils import timezone
from uuid_utils.compat import uuid7

from polder.contracts.decode import Unreadable
from polder.errors.faults import SQLSTATES, Fault, fault_of
from polder.inbox.failed_message import refused
from polder.inbox.reading import Rejected
from polder.process.failpoints import Failpoint, FailpointReached
from polder.testing import deliver, delivery_of
from tests.makers import product_event


def raised_by(*statements: str) -> Exception:
    """What the database says to the last of them."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
    except Error as error:
        return error
    raise AssertionError("nothing was raised")


def with_state(code: str) -> Exception:
    return raised_by(f"DO $$ BEGIN RAISE EXCEPTION 'it is so' USING ERRCODE = '{code}'; END $$")


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        *(
            ("08006", Fault.AWAY),
            ("53100", Fault.AWAY),
            ("53200", Fault.TOO_SLOW),
            ("53300", Fault.AWAY),
            ("57P01", Fault.AWAY),
            ("57P03", Fault.AWAY),
        ),
        *(
            ("58030", Fault.AWAY),
            ("25006", Fault.AWAY),
            ("25P03", Fault.AWAY),
            ("28000", Fault.AWAY),
        ),
        *(("40001", Fault.BUSY), ("40003", Fault.BUSY), ("55006", Fault.BUSY)),
        ("72000", Fault.BUSY),
        *(("55P03", Fault.LOCKED), ("40P01", Fault.LOCKED)),
        *(("57014", Fault.TOO_SLOW), ("25P04", Fault.TOO_SLOW), ("53400", Fault.TOO_SLOW)),
        *(
            ("42P01", Fault.ENVIRONMENT),
            ("42703", Fault.ENVIRONMENT),
            ("42883", Fault.ENVIRONMENT),
            ("42501", Fault.ENVIRONMENT),
        ),
        *(
            ("3D000", Fault.ENVIRONMENT),
            ("3F000", Fault.ENVIRONMENT),
            ("0A000", Fault.ENVIRONMENT),
            ("26000", Fault.ENVIRONMENT),
            ("34000", Fault.ENVIRONMENT),
            ("XX001", Fault.ENVIRONMENT),
        ),
        *(
            ("22012", Fault.EVENT),
            ("22001", Fault.EVENT),
            ("23505", Fault.EVENT),
            ("23514", Fault.EVENT),
            ("P0001", Fault.EVENT),
        ),
    ],
)
def test_each_class_of_the_database(db: None, code: str, fault: Fault) -> None:
    assert fault_of(with_state(code)) is fault


def test_no_class_of_the_table_is_left_out(db: None) -> None:
    for beginning, fault in SQLSTATES.items():
        assert (
            fault_of(with_state(beginning.ljust(5, "0") if beginning != "08" else "08000")) is fault
        ), beginning


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        *(
            (OperationalError("the connection is closed"), Fault.AWAY),
            (InterfaceError("closed"), Fault.AWAY),
            (ConnectionResetError(), Fault.AWAY),
        ),
        *(
            (TimeoutError(), Fault.AWAY),
            (MemoryError(), Fault.INTERRUPTED),
            (FailpointReached(Failpoint.WORKER_AFTER_MERGE), Fault.INTERRUPTED),
        ),
        *(
            (ModuleNotFoundError("so"), Fault.ENVIRONMENT),
            (ImproperlyConfigured("so"), Fault.ENVIRONMENT),
            (OSError(24, "files"), Fault.ENVIRONMENT),
        ),
        *(
            (ValueError("so"), Fault.EVENT),
            (KeyError("so"), Fault.EVENT),
            (RecursionError(), Fault.EVENT),
            (AssertionError(), Fault.EVENT),
        ),
    ],
    ids=repr,
)
def test_each_class_of_python(error: Exception, fault: Fault) -> None:
    assert fault_of(error) is fault


def test_the_database_s_word_counts_when_code_has_wrapped_it(db: None) -> None:
    def wrap(*, said: bool) -> Exception:
        try:
            try:
                raise with_state("40001")
            except Error as error:
                if said:
                    raise ValueError("could not reserve") from error
                raise ValueError("could not reserve")  # noqa: B904
        except ValueError as error:
            return error

    assert fault_of(wrap(said=True)) is Fault.BUSY
    assert fault_of(wrap(said=False)) is Fault.BUSY


@pytest.mark.parametrize(
    ("code", "fault"), [("55P03", Fault.LOCKED), ("57014", Fault.TOO_SLOW), ("23505", Fault.EVENT)]
)
def test_what_broke_the_transaction_counts_and_not_that_it_is_broken(
    db: None, code: str, fault: Fault
) -> None:
    """Code that meets an error of the database, and asks it something else."""

    def go_on() -> Exception:
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                try:
                    cursor.execute(
                        f"DO $$ BEGIN RAISE EXCEPTION 'so' USING ERRCODE = '{code}'; END $$"
                    )
                except Error:
                    cursor.execute("SELECT 1")
        except Error as error:
            return error
        raise AssertionError("nothing was raised")

    broken = go_on()
    assert "current transaction is aborted" in str(broken)
    assert fault_of(broken) is fault


def test_a_transaction_that_is_broken_for_no_known_reason(db: None) -> None:
    assert fault_of(with_state("25P02")) is Fault.EVENT


def insert_product() -> Exception:
    try:
        with transaction.atomic():
            deliver(product_event())
    except Exception as error:
        return error if not isinstance(error.__cause__, Exception) else error.__cause__
    raise AssertionError("it was applied")


@pytest.mark.parametrize(
    "ahead",
    [
        "ALTER TABLE replica_product ADD COLUMN colour text NOT NULL",
        "ALTER TABLE replica_product ADD COLUMN colour text, ADD CONSTRAINT coloured CHECK "
        "(colour IS NOT NULL)",
        "CREATE UNIQUE INDEX one_of_a_name ON replica_product ((1))",
        "CREATE TABLE colours (name text PRIMARY KEY);ALTER TABLE replica_product ADD COLUMN "
        "colour text DEFAULT 'red' REFERENCES colours (name)",
    ],
    ids=["a column", "a check", "a unique index", "a foreign key"],
)
def test_a_schema_ahead_of_the_code(db: None, ahead: str) -> None:
    """A migration that was carried out while workers of the old code run."""
    deliver(product_event(product_id="p0")) if "UNIQUE" in ahead else None
    with connection.cursor() as cursor:
        cursor.execute(ahead)

    assert fault_of(insert_product()) is Fault.ENVIRONMENT


def test_what_the_code_knows_is_the_event_s(db: None) -> None:
    null = raised_by(
        "INSERT INTO polder_inbox_deliverycount (publisher, outcome, slot, count) VALUES (NULL, "
        "'x', 1, 1)"
    )
    twice = raised_by(
        *[
            "INSERT INTO polder_inbox_deliverycount (publisher, outcome, slot, count) VALUES "
            "('x', 'x', 1, 1)"
        ]
        * 2
    )
    halt = (
        "INSERT INTO polder_inbox_halt (id, signature, reason, since, last_at, tries) VALUES (7, "
        "gen_random_uuid(), '', now(), now(), 1)"
    )
    key_twice = raised_by(halt, halt)
    negative = raised_by(
        "INSERT INTO polder_inbox_deliverycount (publisher, outcome, slot, count) VALUES ('x', "
        "'y', -1, 1)"
    )
    named_twice = raised_by(
        *[
            "INSERT INTO polder_inbox_halt (signature, reason, since, last_at, tries) VALUES "
            "('s', '', now(), now(), 1)"
        ]
        * 2
    )

    assert [fault_of(error) for error in (null, twice, key_twice, negative, named_twice)] == [
        Fault.EVENT
    ] * 5


def test_a_week_that_is_missing_or_in_the_way_is_the_moment_s(db: None) -> None:
    far = timezone.now() + timedelta(days=900)
    in_the_way = raised_by(
        "INSERT INTO polder_outbox_default (id, type, aggregate_type, subject, version, "
        "correlation_id, body, position) "
        f"VALUES ('{uuid7()}', 'x', 'x', 'x', 1, gen_random_uuid(), '', 1)"
    )
    missing = raised_by(
        "INSERT INTO polder_ledger (id, publisher, type, subject, version, outcome, "
        "correlation_id, occurred_at, received_at) "
        f"VALUES ('{int(far.timestamp() * 1000):012x}{'7' * 20}', 'x', 'x', 'x', 1, 'x', "
        "gen_random_uuid(), now(), now())"
    )

    assert [fault_of(error) for error in (in_the_way, missing)] == [Fault.BUSY] * 2


def test_a_partition_that_nobody_makes_is_no_moment_s(db: None) -> None:
    """Of a table that is not the library's: tried for ever, the batch would wait with it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE weeks (id int) PARTITION BY RANGE (id); CREATE TABLE weeks_1 "
            "PARTITION OF weeks FOR VALUES FROM (1) TO (2)"
        )

    assert fault_of(raised_by("INSERT INTO weeks VALUES (2)")) is Fault.EVENT


def test_a_server_that_is_not_there() -> None:
    with pytest.raises(psycopg.OperationalError) as caught:
        psycopg.connect("postgresql://127.0.0.1:1/nowhere", connect_timeout=2)
    error = OperationalError("could not connect")
    error.__cause__ = caught.value

    assert fault_of(error) is Fault.AWAY


@pytest.mark.parametrize(
    ("reason", "fault"),
    [
        *(
            ("not-json", Fault.EVENT),
            ("not-an-event", Fault.EVENT),
            ("foreign", Fault.EVENT),
            ("anything-else", Fault.EVENT),
        ),
        *(
            ("unknown-type", Fault.AHEAD),
            ("newer-version", Fault.AHEAD),
            ("beyond-horizon", Fault.AHEAD),
        ),
    ],
)
def test_why_a_message_is_refused(reason: str, fault: Fault) -> None:
    assert refused(Rejected(delivery_of(b"{"), Unreadable(reason, ""))).fault is fault


def test_the_task_adds_its_time_limit() -> None:
    from billiard.exceptions import SoftTimeLimitExceeded

    import polder.consumer.tasks  # noqa: F401

    assert fault_of(SoftTimeLimitExceeded()) is Fault.INTERRUPTED


def test_several_errors_together_and_what_they_came_from(db: None) -> None:
    locked = with_state("55P03")
    inside = ExceptionGroup("two", [ValueError("no"), locked])
    around = ExceptionGroup("one", [ValueError("no")])
    around.__context__ = locked
    wrapped = RuntimeError("could not reserve")
    wrapped.__cause__ = inside

    assert [fault_of(one) for one in (inside, around, wrapped)] == [Fault.LOCKED] * 3
