"""Several workers at once: the locks that reconciling takes are the ones it needs."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest

from common.contracts.inventory import ReservationEvent
from inventory_service.services import stock_receive
from inventory_service.tests.stocking import assert_conserved, decisions, reserved, stocked
from polder.inbox.applying import Report
from polder.testing import deliver, published, shuffled
from polder.testing.database import at_once, empty_partitioned
from tests.makers import order_event


@pytest.fixture
def committed_shop(transactional_db: None) -> Iterator[None]:
    stocked(p1=10, p2=10)
    yield
    empty_partitioned()


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
