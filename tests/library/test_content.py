"""The content of a row is written the same by an owner, in Python, and of the columns, in SQL."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, models
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic_core import to_json

from polder.replication.content import hash_of, hash_sql, kind_name, kind_named

TYPES = {
    "text": "text",
    "integer": "bigint",
    "decimal(2)": "numeric(30, 2)",
    "decimal(0)": "numeric(40, 0)",
    "float": "double precision",
    "boolean": "boolean",
    "time": "timestamp with time zone",
    "date": "date",
    "uuid": "uuid",
    "json": "jsonb",
}
HOUR_EAST = timezone(timedelta(hours=1))
NESTED = {"b": [1, None, True, {"é": "x", "aa": 1.50, "a": -0.0}], "": {}, "long key": [], "ab": 0}


def by_the_database(kind: str, value: Any, retired: bool = False) -> str:
    """As a merge writes it into a column, and the column says."""
    row = to_json([{"value": value, "retired_at": "2026-01-01T00:00Z" if retired else None}])
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {hash_sql({'value': kind_named(kind)})} FROM "
            f"jsonb_to_recordset(%s::jsonb) AS said(value {TYPES[kind]}, retired_at timestamptz)",
            [row.decode()],
        )
        return str(cursor.fetchone()[0])


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        *(("text", text) for text in ("", "null", "ä ß 漢 😀", '"\\/\b\f\n\r\t\x01\x1f\x7f', " ")),
        *(("text", other) for other in (None, 5, Decimal("1.50"), True, UUID(int=7), [1, "a"])),
        ("text", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        *(("integer", number) for number in (None, 0, -1, 2**63 - 1, -(2**63))),
        *(("decimal(2)", Decimal(text)) for text in ("0", "-0.00", "10.50", "10", "1E+3", "0.01")),
        *(("decimal(2)", Decimal(text)) for text in ("1234567890123456789012345678.91", "0.005")),
        *(("decimal(2)", text) for text in ("-0.005", "7.125", None)),
        *(("decimal(0)", Decimal(text)) for text in ("0", f"{10**39}", "100", "2.5")),
        *(("float", number) for number in (0.0, -0.0, 0.1, 1e16, 1e300, 5e-324, 1e15, 3, None)),
        *(("boolean", value) for value in (True, False, None)),
        ("time", datetime(2026, 1, 2, 3, 4, 5, 120_000, tzinfo=HOUR_EAST)),
        ("time", datetime(1, 1, 2, 3, 4, tzinfo=UTC)),
        ("time", datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)),
        *(("time", text) for text in ("2026-01-02T03:04:05.5Z", "2026-01-02T03:04:05-09:30", None)),
        *(("date", value) for value in (date(2026, 1, 2), "2026-01-02", date(33, 1, 1), None)),
        *(("uuid", value) for value in (UUID(int=0xABC), str(UUID(int=0xABC)).upper(), None)),
        *(("json", value) for value in (None, {}, [], NESTED, "x", 1e16, 1e-7, 10**40, 1.0)),
        *(("uuid", text) for text in (f"{{{UUID(int=7)}}}", UUID(int=7).hex)),
        *(("json", members) for members in ({1: "b", 10: "a", 2: {UUID(int=7): 0}}, {True: []})),
        ("json", [{"price": Decimal("1.50"), "at": datetime(2026, 1, 2, tzinfo=UTC)}]),
    ],
)
def test_python_and_sql_say_the_same(db: None, kind: str, value: Any) -> None:
    for retired in (False, True):
        said = hash_of(retired, [value], [kind_named(kind)])
        assert said == by_the_database(kind, value, retired)


_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")), inner
        )
    ),
    max_leaves=10,
)


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(value=_json)
def test_of_any_json(db: None, value: Any) -> None:
    assert hash_of(False, [value], [kind_named("json")]) == by_the_database("json", value)


def test_null_is_no_text_and_no_retired_row_is_like_another(db: None) -> None:
    text = kind_named("text")
    different = {
        hash_of(retired, values, [text, text])
        for retired in (False, True)
        for values in (["a", None], [None, "a"], ["a", "null"], ["", "a"], ['a", "', ""])
    }
    assert len(different) == 10


def test_a_field_without_a_kind_is_known_for_it() -> None:
    assert kind_name(models.DurationField()) == ""
    assert kind_name(models.DecimalField(max_digits=5, decimal_places=3)) == "decimal(3)"
