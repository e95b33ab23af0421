"""Statements that are planned once: a migration that changes a type makes none of them fail for
long."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import NotSupportedError, connection, transaction

from polder.errors.faults import Fault, fault_of
from polder.testing.database import other_connection

ASK = "SELECT value FROM planned WHERE value <> %s"


@pytest.fixture(autouse=True)
def _planned(committed: None) -> Iterator[None]:
    """It was asked so often that its plan is kept; then a migration changes the type."""
    with other_connection() as other:
        other.execute("CREATE TABLE planned (value varchar(10))")
        other.execute("INSERT INTO planned VALUES ('x')")
        try:
            for _ in range(10):
                assert asked() == "x"
            assert plans() == 1
            other.execute("ALTER TABLE planned ALTER COLUMN value TYPE text")
            yield
        finally:
            other.execute("DROP TABLE planned")


def asked() -> str:
    with connection.cursor() as cursor:
        cursor.execute(ASK, ["y"])
        return str(cursor.fetchone()[0])


def plans() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%planned%'"
        )
        return int(cursor.fetchone()[0])


def test_outside_a_transaction_nobody_notices() -> None:
    assert asked() == "x"
    assert [asked() for _ in range(10)] == ["x"] * 10


def test_a_transaction_is_to_be_tried_again() -> None:
    with pytest.raises(NotSupportedError) as refused, transaction.atomic():
        asked()
    assert fault_of(refused.value) is Fault.BUSY

    with transaction.atomic():
        assert asked() == "x"


def test_a_statement_takes_any_number_of_values() -> None:
    values = ["x", *("%" for _ in range(70_000))]
    with connection.cursor() as cursor:
        places = ", ".join(["%s"] * len(values))
        cursor.execute(f"SELECT value, '%%' FROM planned WHERE value IN ({places})", values)
        assert cursor.fetchall() == [("x", "%")]
