"""A job that does several things does the others when one of them fails, and fails."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import OperationalError, models

from order_service.models import Order, Product
from polder.consumer import housekeeping
from polder.errors.in_turn import all_in_turn
from polder.reconcile import periodic
from polder.reconcile.reconciler import Reconciler
from polder.retention import retention_policies


def broken() -> int:
    raise LookupError("a bug")


def noting(done: list[str]) -> Callable[[], int]:
    def note() -> int:
        done.append("it")
        return 1

    return note


def test_retention_forgets_the_rest(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    forgotten: list[str] = []
    first = next(iter(retention_policies))
    monkeypatch.setitem(retention_policies, first, broken)
    monkeypatch.setitem(retention_policies, "the last", noting(forgotten))

    with pytest.raises(LookupError):
        housekeeping.retention()

    assert forgotten == ["it"]


def test_a_search_that_fails_keeps_no_other_reconciler_from_its_turn(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[str] = []

    def overdue() -> list[models.QuerySet[Product]]:
        looked.append("here")
        return []

    def bug() -> list[models.QuerySet[Product]]:
        raise LookupError("a bug")

    def first(keys: object) -> None: ...
    def second(keys: object) -> None: ...

    ours = [
        Reconciler(first, Order, (Product,), bug),
        Reconciler(second, Order, (Product,), overdue),
    ]
    monkeypatch.setattr(periodic, "reconcilers", ours)

    with pytest.raises(LookupError):
        periodic.reconcile_overdue()

    assert looked == ["here"]


def test_without_the_database_nothing_else_is_tried() -> None:
    tried: list[str] = []

    def away() -> int:
        raise OperationalError("the connection is closed")

    with pytest.raises(OperationalError):
        all_in_turn({"one": away, "two": noting(tried)})

    assert tried == []


def test_without_another_server_the_rest_is_done() -> None:
    tried: list[str] = []

    def away() -> int:
        raise ConnectionRefusedError

    with pytest.raises(ConnectionRefusedError):
        all_in_turn({"one": away, "two": noting(tried)})

    assert tried == ["it"]
