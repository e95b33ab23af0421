"""The task: whatever struck its process before, what it applies is committed."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection, transaction

from order_service.models import Product
from polder.consumer.tasks import apply_events
from polder.errors.faults import Fault
from polder.inbox import attempts
from polder.inbox.batch_errors import TransientFailure
from polder.inbox.models import Attempt
from polder.inbox.quarantine import Suspects
from polder.testing import delivery_of
from polder.testing.database import other_connection
from tests.blackbox.shop import until
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


def test_what_another_process_has_under_way_was_not_lost(committed: None) -> None:
    """A broken connection: the broker delivers again what a child is still applying. Who forges the
    count of deliveries gets the same."""
    delivery = delivery_of(product_event())
    message = tuple(delivery)
    begin = attempts._BEGIN % {"one_more": 1, "queues": "%s", "hashes": "%s"}
    with other_connection() as other:
        other.execute(begin, [[delivery.queue], [delivery.body_hash]])
        [(pid,)] = other.execute("SELECT pg_backend_pid()").fetchall()

        # When it comes here meanwhile, it goes with the rest, and the other's record stays
        assert apply_events([message], watched=True) == "1 applied; 1 ProductCreated"
        assert apply_events([message], watched=True) == "1 duplicate; 1 ProductCreated"
        assert Attempt.objects.get().attempts == 1

    # Then, when the other is lost, it is a suspect
    until(lambda: not lives(pid), "the other's session has ended")
    with pytest.raises(Suspects):
        apply_events([message], watched=True)


def lives(pid: Any) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT FROM pg_stat_activity WHERE pid = %s", [pid])
        return cursor.fetchone() is not None
