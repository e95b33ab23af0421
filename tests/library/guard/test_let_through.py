"""What the guard lets through: changes with their event, changes that nobody hears of, and what is
written past it."""

from __future__ import annotations

import pytest
from django.db import DataError, IntegrityError, connection, transaction
from uuid_utils.compat import uuid7

from common.contracts.orders import OrderCreated
from order_service.models import Order
from polder.domain.aggregate import save_changed
from polder.outbox.guard.bypass import unguarded
from polder.outbox.guard.sql import line
from polder.outbox.publish import publish
from tests.library.guard.orders import VALUES

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_usual_way(order: Order) -> None:
    order.move_to("confirmed")
    with transaction.atomic():
        save_changed([order], "status")
        publish(order.status_event())

    assert Order.objects.get().version == 2


def test_an_event_before_its_row_and_one_of_many(db: None) -> None:
    orders = [Order(id=uuid7(), **VALUES) for _ in range(600)]
    with transaction.atomic():
        publish(*(OrderCreated.of(order) for order in orders))
        Order.objects.bulk_create(orders)

    assert Order.objects.count() == 600


def test_several_versions_of_which_the_last_is_told(order: Order) -> None:
    """Nobody ever sees the one in between."""
    with transaction.atomic():
        order.change(customer_name="Eve")
        save_changed([order], "customer_name")
        order.change(customer_name="Eva")
        save_changed([order], "customer_name")
        publish(OrderCreated.of(order))

    assert Order.objects.get().version == 3


def test_an_event_that_somebody_writes_by_hand(order: Order) -> None:
    """What counts is that it is in the outbox."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE orders SET version = 2, customer_name = 'Eve'")
        cursor.execute(
            "INSERT INTO polder_outbox (id, type, aggregate_type, subject, version, "
            "correlation_id, body) SELECT %s, type, aggregate_type, subject, 2, correlation_id, "
            "body FROM polder_outbox",
            [uuid7()],
        )

    assert Order.objects.get().customer_name == "Eve"


def test_what_others_never_hear_of_may_change(order: Order) -> None:
    order.save()  # nothing of it has changed
    Order.objects.update(flagged_at="2026-01-01T00:00Z")

    assert Order.objects.get().flagged_at is not None


def test_a_key_that_looks_like_another_event(db: None) -> None:
    """What is noted of one event is not taken for another's."""
    assert line("order", 1, "a\norder 2 b\n").count("\n") == 2


def test_the_door(order: Order) -> None:
    with transaction.atomic():
        with unguarded("a repair"):
            Order.objects.update(customer_name="Eve")
            Order.objects.update(version=7)
            Order.objects.bulk_create([Order(id=uuid7(), **VALUES)])
        with pytest.raises(IntegrityError, match="customer_name changed"), transaction.atomic():
            Order.objects.update(customer_name="Mallory")

    assert set(Order.objects.values_list("customer_name", "version")) == {("Eve", 7), ("Ada", 1)}
    with pytest.raises(IntegrityError, match="was deleted"):
        order.delete()
    with pytest.raises(RuntimeError, match=r"inside transaction\.atomic"), unguarded("outside"):
        pass


def test_the_door_closes_when_what_was_done_inside_failed(order: Order) -> None:
    with transaction.atomic():
        with (
            pytest.raises(DataError),
            transaction.atomic(),
            unguarded("a repair"),
            connection.cursor() as cursor,
        ):
            cursor.execute("SELECT 1 / 0")
        with pytest.raises(IntegrityError), transaction.atomic():
            Order.objects.update(customer_name="Eve")


def test_in_tests_that_roll_back(order: Order) -> None:
    """Django's TestCase asks for what is deferred at its end; a test may ask for it earlier."""
    with transaction.atomic():
        Order.objects.create(id=uuid7(), **VALUES)
        with pytest.raises(IntegrityError), transaction.atomic():
            connection.check_constraints()
        transaction.set_rollback(True)
