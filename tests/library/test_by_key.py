"""Rows by their keys: what Django's own `pk__in` reads, with a statement that is made once."""

from __future__ import annotations

from threading import Thread
from typing import Any

import pytest
from django.contrib.admin.models import ADDITION, LogEntry
from django.contrib.auth.models import User
from django.db import connection, models, transaction
from django.db.transaction import TransactionManagementError
from psycopg.errors import LockNotAvailable

from order_service.models import Product
from polder.database.by_key import ByKey
from polder.testing import deliver
from polder.testing.database import other_connection
from tests.makers import product_event

ODD = ('a"b', "a,b", "{}", "back\\slash", "%s", "null", "\N{SNOWMAN}", " ", "x" * 64)
KEYS = [f"p{number}" for number in range(40)] + list(ODD)


def said(rows: Any) -> list[Any]:
    return [
        {**vars(row), "_state": None} if isinstance(row, Product) else (type(row), row)
        for row in rows
    ]


@pytest.fixture
def _products(db: None) -> None:
    deliver(*[product_event(product_id=key) for key in KEYS])


@pytest.mark.parametrize("number", [0, 1, 2, 3, 5, 8, 9, len(KEYS)])
@pytest.mark.parametrize(
    "rows",
    [
        Product.objects.all(),
        Product.objects.filter(price__gt=1, retired_at=None).order_by("-key"),
        Product.objects.order_by("key").values_list("key", "price"),
        Product.objects.order_by("key").values_list("name", flat=True),
        Product.objects.order_by("key").values("version", "retired_at"),
        Product.objects.filter(name="nothing is called so"),
    ],
    ids=["models", "filtered", "tuples", "flat", "dicts", "none"],
)
@pytest.mark.usefixtures("_products")
def test_they_are_those_of_django(rows: models.QuerySet[Product, Any], number: int) -> None:
    by_key, keys = ByKey(rows), [*KEYS[-number:], "unknown"] if number else []
    for _ in range(2):
        assert said(by_key(keys)) == said(rows.filter(pk__in=keys))


def test_what_is_selected_beside_them_comes_with_them(db: None) -> None:
    users = [User.objects.create(username=name) for name in ("ann", "bob")]
    entries = [
        LogEntry.objects.create(user=user, object_id="1", action_flag=ADDITION) for user in users
    ]
    by_key = ByKey(LogEntry.objects.select_related("user").order_by("pk"))
    found = by_key([str(entry.pk) for entry in entries])
    with connection.execute_wrapper(_refused):
        assert [entry.user for entry in found] == users
    assert found == entries


def _refused(*_: Any) -> None:
    raise AssertionError("another statement")


@pytest.mark.usefixtures("_products")
def test_the_statement_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    by_key = ByKey(Product.objects.all())
    by_key(KEYS[:3])
    monkeypatch.setattr(models.sql.compiler.SQLCompiler, "as_sql", _refused)
    assert len(by_key(KEYS[:4])) == 4


def test_each_thread_reads_by_its_own_connection(committed: None) -> None:
    deliver(product_event(product_id="p1"))
    by_key = ByKey(Product.objects.all())
    sessions: list[int] = []

    def read() -> None:
        with connection.execute_wrapper(_by_session(sessions)):
            assert len(by_key(["p1"])) == 1
        connection.close()

    read()
    thread = Thread(target=read)
    thread.start()
    thread.join()
    assert len(sessions) == len(set(sessions)) == 2


def _by_session(sessions: list[int]) -> Any:
    def noting(execute: Any, sql: str, values: Any, many: bool, context: Any) -> Any:
        sessions.append(context["connection"].connection.info.backend_pid)
        return execute(sql, values, many, context)

    return noting


def test_what_is_locked_is_locked(committed: None) -> None:
    deliver(*[product_event(product_id=f"p{number}") for number in range(3)])
    by_key = ByKey(Product.objects.order_by("-key"))
    with transaction.atomic():
        assert [row.key for row in by_key.locked(["p1", "p0"])] == ["p0", "p1"]
        with other_connection() as other:
            other.execute("SELECT FROM replica_product WHERE key = 'p2' FOR UPDATE NOWAIT")
            with pytest.raises(LockNotAvailable):
                other.execute("SELECT FROM replica_product WHERE key = 'p0' FOR UPDATE NOWAIT")
    with pytest.raises(TransactionManagementError):
        by_key.locked(["p1"])
