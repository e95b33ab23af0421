"""Reconciling takes a lock per aggregate before it reads: two batches may each bring half of what
it waits for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Any

import pytest
from django.db import connection

from order_service.models import Order, Product, Stock
from polder.inbox.report import Report
from polder.reconcile import periodic, reconciler
from polder.reconcile.periodic import reconcile_overdue
from polder.reconcile.reconciler import Reconciler
from polder.testing import deliver, eventually
from polder.testing.database import at_once, somebody_waits_for_a_lock
from tests.makers import product_event, stock_event


def use(
    monkeypatch: pytest.MonkeyPatch, function: Callable[[Sequence[str]], None], **options: Any
) -> None:
    ours = Reconciler(function, Order, (Product, Stock), lambda: [Product.objects.all()], **options)
    for module in (reconciler, periodic):
        monkeypatch.setattr(module, "reconcilers", [ours])


def advisory_locks_held() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"
        )
        return int(cursor.fetchone()[0])


def test_the_second_sees_what_the_first_brought(
    committed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a reconciler that needs a product and its stock, and a first batch that lingers in it
    seen: list[tuple[bool, bool]] = []
    first_is_in = threading.Event()

    def reconcile(keys: Sequence[str]) -> None:
        seen.append(
            (
                Product.objects.filter(pk__in=keys).exists(),
                Stock.objects.filter(pk__in=keys).exists(),
            )
        )
        if len(seen) == 1:
            first_is_in.set()
            eventually(somebody_waits_for_a_lock)

    use(monkeypatch, reconcile)

    # When
    def second() -> Report:
        assert first_is_in.wait(60)
        return deliver(stock_event())

    results = at_once(partial(deliver, product_event()), second)

    # Then
    assert all(isinstance(result, Report) for result in results), results
    assert seen == [(True, False), (True, True)]


def test_others_keys_do_not_wait(committed: None, monkeypatch: pytest.MonkeyPatch) -> None:
    both_are_in = threading.Barrier(2, timeout=60)
    use(monkeypatch, lambda keys: both_are_in.wait() and None)

    results = at_once(
        partial(deliver, product_event(product_id="p1")),
        partial(deliver, product_event(product_id="p2")),
    )

    assert all(isinstance(result, Report) for result in results), results


def test_keys_come_sorted_and_once(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Sequence[str]] = []
    use(monkeypatch, calls.append)

    deliver(
        product_event(product_id="b"),
        stock_event(product_id="b"),
        stock_event(product_id="a"),
        product_event(product_id="c"),
    )

    assert calls == [["a", "b", "c"]]


def test_nothing_that_did_not_change_wakes_it(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Sequence[str]] = []
    use(monkeypatch, calls.append)
    event = product_event(version=2)
    deliver(event)

    deliver(event, product_event(version=1))

    assert calls == [["p1"]]


def test_a_whole_batch_of_locks(committed: None, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given the most that a batch brings
    held: list[int] = []
    use(monkeypatch, lambda keys: held.append(advisory_locks_held()))

    # When
    deliver(*(product_event(product_id=f"p{number}") for number in range(500)))

    # Then
    assert held == [500]


def test_periodic_reconciliation_holds_the_same_locks(
    committed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given
    deliver(product_event(product_id="b"), product_event(product_id="a"))
    held: list[tuple[Sequence[str], int]] = []
    use(monkeypatch, lambda keys: held.append((keys, advisory_locks_held())))

    # When
    assert list(reconcile_overdue().values()) == [2]

    # Then
    assert held == [(["a", "b"], 2)]


def test_periodic_reconciliation_takes_all_there_are_page_by_page_past_those_that_fail(
    committed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given more than two pages, the first of which cannot be reconciled
    monkeypatch.setattr(periodic, "CHUNK", 2)
    deliver(*(product_event(product_id=f"p{number}") for number in range(5)))
    reconciled: list[str] = []

    def reconcile(keys: Sequence[str]) -> None:
        if "p0" in keys or "p1" in keys:
            raise ValueError("not this one")
        reconciled.extend(keys)

    use(monkeypatch, reconcile)

    # When
    assert list(reconcile_overdue().values()) == [5]

    # Then
    assert reconciled == ["p2", "p3", "p4"]


def test_a_replica_of_other_keys_wakes_what_it_concerns(
    committed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given
    calls: list[Sequence[str]] = []
    use(
        monkeypatch,
        calls.append,
        through={Product: lambda keys: [f"order-of-{key}" for key in sorted(keys)]},
    )

    # When
    deliver(
        product_event(product_id="b"), product_event(product_id="a"), stock_event(product_id="c")
    )

    # Then
    assert calls == [["c", "order-of-a", "order-of-b"]]


def test_what_a_row_concerns_takes_no_lock_for_each(
    committed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a product that more orders wait for than the server has locks for
    held: list[tuple[int, int]] = []
    use(
        monkeypatch,
        lambda keys: held.append((len(keys), advisory_locks_held())),
        through={Product: lambda keys: [f"order-{number}" for number in range(100_000)]},
    )

    # When it changes
    deliver(product_event(), stock_event(product_id="c"))

    # Then the lock by which it passes alone stands for all of them
    assert held == [(100_001, 1)]


def test_what_a_changed_row_concerns_is_asked_when_nobody_reconciles_by_the_old_one(
    committed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given an aggregate that a first batch makes by the product as it is, and has not committed
    made: set[str] = set()
    asked: list[set[str]] = []
    first_is_in = threading.Event()

    def reconcile(keys: Sequence[str]) -> None:
        if "made" in keys:
            first_is_in.set()
            eventually(somebody_waits_for_a_lock)
            made.add("made")

    def concerned(keys: Collection[str]) -> list[str]:
        asked.append(set(made))
        return []

    use(monkeypatch, reconcile, through={Product: concerned})

    # When the product changes meanwhile
    def second() -> Report:
        assert first_is_in.wait(60)
        return deliver(product_event())

    results = at_once(partial(deliver, stock_event(product_id="made")), second)

    # Then it is asked only after the first has ended
    assert all(isinstance(result, Report) for result in results), results
    assert asked == [{"made"}]
