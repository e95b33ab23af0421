"""`publish()`: one statement, inside the transaction, in order."""

from __future__ import annotations

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from polder.contracts.event import LARGEST_EVENT
from polder.outbox.models import OutboxEvent
from polder.outbox.publish import EventTooLarge, NotInTransaction, publish
from polder.testing import published
from tests.makers import order_event, product_event, stock_event


def test_outside_a_transaction(committed: None) -> None:
    with pytest.raises(NotInTransaction):
        publish(product_event())
    assert published() == []


def test_in_the_order_given_by_one_statement(db: None) -> None:
    # Given
    events = [product_event(version=version) for version in (3, 1, 2)]

    # When
    with CaptureQueriesContext(
        connection,
    ) as queries:
        publish(*events)

    # Then
    assert published() == list(events)
    assert len(queries) == 1


def test_one_and_none(db: None) -> None:
    event = product_event()
    with CaptureQueriesContext(connection) as queries:
        publish()
        publish(event)

    assert len(queries) == 1
    row = OutboxEvent.objects.get()
    assert (row.id, row.type, row.aggregate_type, row.subject, row.version) == (
        event.id,
        "ProductCreated",
        "product",
        "p1",
        1,
    )
    assert (row.correlation_id, row.body, row.published_at, row.attempts) == (
        event.correlationid,
        event.encode(),
        None,
        0,
    )


def test_undone_with_the_transaction(db: None) -> None:
    with transaction.atomic():
        publish(product_event())
        transaction.set_rollback(True)

    assert published() == []


@pytest.mark.parametrize("letter", ["x", "€"])
def test_too_large(db: None, letter: str) -> None:
    # Given an order of many lines, just above the limit on the wire
    lines = {
        f"{letter * 50}{number:05}": 1
        for number in range(LARGEST_EVENT // (50 * len(letter.encode())))
    }

    # When
    with pytest.raises(EventTooLarge):
        publish(product_event(), order_event(products=lines))

    # Then
    assert published() == []


def test_positions_rise_through_transactions(committed: None) -> None:
    for version in range(1, 4):
        with transaction.atomic():
            publish(product_event(version=version), stock_event(version=version))

    assert [event.aggregateversion for event in published(subject="p1")] == [1, 1, 2, 2, 3, 3]
    positions = list(OutboxEvent.objects.order_by("position").values_list("position", flat=True))
    assert positions == sorted(set(positions))
