"""The task: whatever struck its process before, what it applies is committed."""

from __future__ import annotations

import pytest
from django.db import connection, transaction

from order_service.models import Product
from polder.consumer.tasks import apply_events
from polder.faults import Fault
from polder.inbox.failures import TransientFailure
from polder.testing import delivery_of
from polder.testing.database import other_connection
from tests.makers import product_event


def test_a_transaction_that_was_never_ended_swallows_nothing(committed: None) -> None:
    # Given a process in which a time limit struck before a transaction was ended
    transaction.atomic().__enter__()
    Product.objects.all().exists()
    assert connection.in_atomic_block

    # When
    assert (
        apply_events([tuple(delivery_of(product_event()))], False) == "1 applied; 1 ProductCreated"
    )

    # Then others see it
    assert not connection.in_atomic_block
    with other_connection() as other:
        assert other.execute("SELECT key FROM replica_product").fetchall() == [("p1",)]


def test_what_cannot_be_attributed_to_a_publisher_is_parked(committed: None) -> None:
    """A dead letter whose headers lead nowhere."""
    delivery = delivery_of(product_event())._replace(queue="order.dead", publisher="")

    assert apply_events([tuple(delivery)], True).startswith("1 unreadable")
    with other_connection() as other:
        assert other.execute("SELECT queue, reason FROM polder_inbox_parkedevent").fetchall() == [
            ("order.dead", "foreign")
        ]


def test_a_database_that_is_away_is_an_expected_failure(committed: None) -> None:
    """Celery logs what it does not expect with a traceback, at each try."""
    # Given a process whose connection is gone, and a server that takes no new one
    connection.close()
    port, connection.settings_dict["PORT"] = connection.settings_dict["PORT"], "1"
    try:
        # When, Then
        with pytest.raises(TransientFailure) as caught:
            apply_events([tuple(delivery_of(product_event()))], False)
        assert caught.value.fault is Fault.AWAY
    finally:
        connection.settings_dict["PORT"] = port
