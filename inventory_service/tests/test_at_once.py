"""Several workers at once: the locks that reconciling takes are the ones it needs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from unittest.mock import Mock

import pytest
from django.db import connection

from common.contracts.inventory import ReservationEvent
from inventory_service import reconcile
from inventory_service.services import stock_receive
from inventory_service.tests.stocking import assert_conserved, decisions, reserved, stocked
from polder.consumer.tasks import apply_events
from polder.inbox.batch_errors import HeldBack
from polder.inbox.report import Report
from polder.testing import deliver, delivery_of, published, shuffled
from polder.testing.database import at_once
from tests.makers import order_event


@pytest.fixture
def committed_shop(transactional_db: None) -> None:
    stocked(p1=10, p2=10)


def test_many_workers_want_the_last_of_it(committed_shop: None) -> None:
    # Given batches that name the products in every order, each twice
    orders = [
        order_event(products={"p1": 1, "p2": 1} if number % 2 else {"p2": 1, "p1": 1})
        for number in range(40)
    ]
    batches = [shuffled(orders[start : start + 10], start) for start in range(0, 40, 10)] * 2

    # When
    results = at_once(*(partial(deliver, *batch) for batch in batches))

    # Then
    assert all(isinstance(result, Report) for result in results), results
    assert len(published(ReservationEvent)) == 40
    assert sorted(decisions().values()).count("held") == 10
    assert reserved() == {"p1": 10, "p2": 10}
    assert_conserved()


def test_receiving_while_reserving(committed_shop: None) -> None:
    # When
    receipts = [partial(stock_receive, product_id="p1", quantity=1) for _ in range(5)]
    batches = [
        partial(deliver, order_event(products={"p1": 1}), order_event(products={"p1": 1}))
        for _ in range(5)
    ]
    results = at_once(*receipts, *batches)

    # Then
    assert not [result for result in results if isinstance(result, Exception)]
    assert reserved()["p1"] == 10
    assert_conserved()


@contextmanager
def held_by_another_session(statement: str) -> Iterator[None]:
    other = connection.get_new_connection(connection.get_connection_params())
    try:
        other.execute("BEGIN")
        other.execute(statement)
        yield
    finally:
        other.close()


def test_orders_of_a_product_whose_stock_somebody_holds_wait_and_no_others(
    committed_shop: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a batch in which every second order wants the product
    orders = [order_event(products={"p1" if number % 2 else "p2": 1}) for number in range(20)]
    messages = [tuple(delivery_of(order)) for order in orders]
    tries = Mock(side_effect=reconcile.reservations_follow)
    monkeypatch.setattr(reconcile, "reservations_follow", tries)

    # When
    with (
        held_by_another_session("SELECT FROM inventory_stock WHERE product_id = 'p1' FOR UPDATE"),
        pytest.raises(HeldBack) as held_back,
    ):
        apply_events.run(messages)

    # Then it is told who waits by asking once, and the others are decided
    assert sorted(held_back.value.locked) == list(range(1, 20, 2))
    assert not held_back.value.undecided
    assert reserved() == {"p1": 0, "p2": 10}
    assert tries.call_count <= 5, "the batch was halved until the events to blame were alone"

    # And when the row is free, the rest is
    apply_events.run([messages[number] for number in sorted(held_back.value.locked)], retried=True)
    assert reserved() == {"p1": 10, "p2": 10}
    assert_conserved()
