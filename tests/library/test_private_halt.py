"""Why a service is halted is told to whoever asks /readyz; what people wrote is not."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from django.db import connection
from django.test import Client

from polder.errors.private import without_values
from polder.inbox.batch_errors import ConsumerHalted
from polder.inbox.waiting import halts
from polder.testing import deliver
from tests.library.judging.failing import products

ADA = "ada@example.org"
STATEMENTS = {
    "a row": "INSERT INTO people VALUES (%s, NULL)",
    "a key": "INSERT INTO people VALUES (%s, 1), (%s, 2)",
    "a row of several lines": "INSERT INTO people VALUES (E'first\\n' || %s, NULL)",
    "a number": "SELECT %s::int",
    "a time": "SELECT (%s || '')::timestamptz",
}


def refused(statement: str) -> Callable[[Sequence[str]], None]:
    def reconcile(keys: Sequence[str]) -> None:
        with connection.cursor() as cursor:
            cursor.execute(statement, [ADA] * statement.count("%s"))

    return reconcile


@pytest.mark.parametrize("statement", STATEMENTS.values(), ids=STATEMENTS)
def test_readyz_repeats_no_values(
    client: Client, db: None, monkeypatch: pytest.MonkeyPatch, statement: str
) -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE people (email text PRIMARY KEY, number int NOT NULL)")
    monkeypatch.setattr("polder.inbox.processing.reconcile_changed", refused(statement))

    with pytest.raises(ConsumerHalted) as halted:
        deliver(*products(20))

    assert ADA not in str(halted.value)
    [halt] = halts()
    answer = client.get("/readyz").content.decode()
    assert halt.reason.partition(":")[0] in answer
    assert "ada@" not in answer


def test_what_follows_the_values_stays() -> None:
    text = "refused\nDETAIL:  Failing row (Ada,\nDijk 1).\nHINT:  Look.\n\nThe above exception"

    assert without_values(text) == "refused\nDETAIL:...\nHINT:  Look.\n\nThe above exception"
