"""`publish()`: one statement, inside the transaction, in order."""

from __future__ import annotations

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from uuid_utils.compat import uuid7

from polder.contracts.event import LARGEST_EVENT
from polder.outbox.models import OutboxEvent
from polder.outbox.publish import EventTooLarge, ForeignEvent, NotInTransaction, publish
from polder.testing import published
from tests.makers import order_event, product_event


def test_outside_a_transaction(committed: None) -> None:
    with pytest.raises(NotInTransaction):
        publish(order_event())
    assert published() == []


def test_in_the_order_given_by_one_statement(db: None) -> None:
    # Given
    of = uuid7()
    events = [order_event(order_id=of, version=version) for version in (3, 1, 2)]

    # When
    with CaptureQueriesContext(
        connection,
    ) as queries:
        publish(*events)

    # Then
    assert published() == list(events)
    assert len(queries) == 1


def test_one_and_none(db: None) -> None:
    event = order_event()
    with CaptureQueriesContext(connection) as queries:
        publish()
        publish(event)

    assert len(queries) == 1
    row = OutboxEvent.objects.get()
    assert (row.id, row.type, row.aggregate_type, row.subject, row.version) == (
        event.id,
        "OrderCreated",
        "order",
        event.subject,
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
        publish(order_event())
        transaction.set_rollback(True)

    assert published() == []


def test_what_another_service_publishes(db: None) -> None:
    with pytest.raises(ForeignEvent, match="ProductCreated is an event of inventory"):
        publish(order_event(), product_event())

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
        publish(order_event(), order_event(products=lines))

    # Then
    assert published() == []


def test_positions_rise_through_transactions(committed: None) -> None:
    one, other = uuid7(), uuid7()
    for version in range(1, 4):
        with transaction.atomic():
            publish(*(order_event(order_id=key, version=version) for key in (one, other)))

    assert [event.aggregateversion for event in published()] == [1, 1, 2, 2, 3, 3]
    positions = list(OutboxEvent.objects.order_by("position").values_list("position", flat=True))
    assert positions == sorted(set(positions))
