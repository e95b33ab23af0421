"""An order that nobody decides about is flagged, and cancelled in the end. Time is moved, not
waited for."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.db.models import F
from django.test import override_settings

from common.contracts.orders import OrderEvent
from common.contracts.shipping import ShipmentCancelled
from order_service.models import Order
from order_service.services import Line, order_cancel
from order_service.tasks import deadlines
from order_service.tests.test_placing import place
from polder.consumer.jobs import run_if_due
from polder.consumer.models import JobRun
from polder.errors.faults import Fault
from polder.inbox.delivery import Arrival
from polder.inbox.discard import discard
from polder.inbox.failed_message import failed
from polder.inbox.models import LedgerEntry, ParkedEvent
from polder.inbox.redrive import redrive
from polder.inbox.waiting import end_halts, note_failures, note_halt
from polder.outbox.guard.bypass import unguarded
from polder.testing import deliver, delivery_of, published
from polder.testing.database import other_connection
from polder.testing.outbox import types_of
from tests.makers import reservation_event, shipment_event


@pytest.fixture
def order_id(catalogue: None) -> UUID:
    return place(Line("p1", 1)).order.pk


def later(**spans: int) -> None:
    Order.objects.update(
        created_at=F("created_at") - timedelta(**spans),
        updated_at=F("updated_at") - timedelta(**spans),
    )


def test_flagged_after_a_quarter_of_an_hour(order_id: UUID) -> None:
    later(minutes=14)
    assert deadlines() == {"flagged": 0, "cancelled": 0}
    later(minutes=1)
    assert deadlines() == {"flagged": 1, "cancelled": 0}
    assert deadlines() == {"flagged": 0, "cancelled": 0}

    order = Order.objects.get()
    assert (order.status, order.version, order.flagged_at is not None) == ("pending", 1, True)
    assert types_of(published(OrderEvent)) == ["OrderCreated"]


def test_what_waits_for_shipping_is_flagged_too(order_id: UUID) -> None:
    order_cancel(order_id=order_id)

    later(minutes=16)

    assert deadlines() == {"flagged": 1, "cancelled": 0}


def test_what_is_decided_is_not(order_id: UUID) -> None:
    deliver(reservation_event(order_id=order_id))

    later(days=2)

    assert deadlines() == {"flagged": 0, "cancelled": 0}


def test_cancelled_after_a_day_by_way_of_cancelling(order_id: UUID) -> None:
    later(hours=23)
    assert deadlines() == {"flagged": 1, "cancelled": 0}
    later(hours=1)
    assert deadlines() == {"flagged": 0, "cancelled": 1}
    assert deadlines() == {"flagged": 0, "cancelled": 0}
    assert Order.objects.get().status == "cancelling"

    # When the reservation comes after all, and shipping's word
    deliver(reservation_event(order_id=order_id))
    deliver(shipment_event(ShipmentCancelled, order_id=order_id))

    # Then
    assert types_of(published(OrderEvent)) == [
        "OrderCreated",
        "OrderCancelRequested",
        "OrderCancelled",
    ]


def test_the_settings_say_when(order_id: UUID) -> None:
    later(seconds=11)

    with override_settings(
        ORDER_FLAG_AFTER=timedelta(seconds=5), ORDER_CANCEL_AFTER=timedelta(seconds=10)
    ):
        assert deadlines() == {"flagged": 1, "cancelled": 1}


def test_more_than_fit_into_one_transaction(
    catalogue: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("order_service.tasks.CHUNK", 2)
    for _ in range(5):
        place(Line("p1", 1))

    later(days=2)

    assert deadlines() == {"flagged": 5, "cancelled": 5}


@pytest.mark.django_db(transaction=True)
def test_one_that_is_being_worked_on_is_left_to_the_next_time() -> None:
    # Given
    with transaction.atomic(), unguarded("an order"):
        Order.objects.create(
            lines=[],
            customer_name="Ada",
            customer_email="a@example.org",
            line1="x",
            postal_code="x",
            city="x",
            country="NL",
        )
    later(days=2)
    with other_connection() as other, other.transaction():
        other.execute("SELECT FROM orders FOR UPDATE")

        # Then nobody waits for it
        assert deadlines() == {"flagged": 0, "cancelled": 0}
    assert deadlines()["flagged"] == 1


def test_nothing_is_cancelled_right_after_a_gap(order_id: UUID) -> None:
    """An outage of the whole service, or a clock set forward by a day: whatever is pending seems to
    be late."""
    # Given a job that ran every minute, and then not for a day
    assert run_if_due("deadlines", deadlines) == {"flagged": 0, "cancelled": 0}
    later(hours=25)
    JobRun.objects.update(
        started_at=F("started_at") - timedelta(days=1),
        steady_since=F("steady_since") - timedelta(days=9),
    )

    # When it runs again
    assert run_if_due("deadlines", deadlines) == {"flagged": 1, "cancelled": 0}

    # Then it cancels only once the others have had a quarter of an hour to answer
    JobRun.objects.update(
        started_at=F("started_at") - timedelta(minutes=1),
        steady_since=F("steady_since") - timedelta(minutes=16),
    )
    assert run_if_due("deadlines", deadlines) == {"flagged": 0, "cancelled": 1}


def age_ledger(minutes: int) -> None:
    """What was heard so far was heard so much earlier."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE polder_ledger SET applied_at = applied_at - %s * interval '1 minute'", [minutes]
        )


def test_nothing_is_late_while_inventory_decides_nothing(order_id: UUID) -> None:
    """Its consumer may be halted for a day. Afterwards it gets a quarter of an hour to make up for
    it."""
    # Given inventory, which decided about another order long ago
    other = place(Line("p1", 1)).order.pk
    deliver(reservation_event(order_id=other))
    LedgerEntry.objects.filter(subject=str(other)).delete()
    later(hours=25)
    assert deadlines() == {"flagged": 1, "cancelled": 0}

    # When it speaks again
    third = place(Line("p1", 1)).order.pk
    deliver(reservation_event(order_id=third))
    assert deadlines() == {"flagged": 0, "cancelled": 0}

    # Then what it still has not decided a while later is late
    age_ledger(minutes=16)
    assert deadlines() == {"flagged": 0, "cancelled": 1}
    assert Order.objects.get(pk=order_id).status == "cancelling"


def test_nothing_is_cancelled_while_answers_may_wait_here(order_id: UUID) -> None:
    later(hours=25)
    note_halt("a bug", "a bug")
    assert deadlines() == {"flagged": 1, "cancelled": 0}

    end_halts()
    assert deadlines() == {"flagged": 0, "cancelled": 1}


def test_an_order_whose_answer_waits_for_a_lock_is_not_late(order_id: UUID) -> None:
    # Given an answer that waits, while inventory decides about others
    other = place(Line("p1", 1)).order.pk
    deliver(reservation_event(order_id=other))
    age_ledger(minutes=16)
    later(hours=25)
    waits = reservation_event(order_id=order_id)
    note_failures(
        [failed(Arrival(delivery_of(waits), waits), ValueError(), Fault.LOCKED)], parked=False
    )

    assert deadlines() == {"flagged": 1, "cancelled": 0}


def park_answer(order_id: UUID, monkeypatch: pytest.MonkeyPatch) -> ParkedEvent:
    """By a bug, while inventory decides about others."""
    other = place(Line("p1", 1)).order.pk
    deliver(reservation_event(order_id=other))
    with monkeypatch.context() as patch:
        patch.setattr("polder.inbox.processing.reconcile_changed", lambda changed: 1 / 0)
        deliver(reservation_event(order_id=order_id))
    return ParkedEvent.objects.get()


def test_an_order_whose_answer_is_parked_is_not_late(
    order_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It waits for a person: for a redrive, which is not to come too late."""
    # Given an answer that is parked, and one that is no answer
    parked = park_answer(order_id, monkeypatch)
    body = parked.body.tobytes() if isinstance(parked.body, memoryview) else bytes(parked.body)
    deliver(body.replace(str(order_id).encode(), b"no key"))
    age_ledger(minutes=16)
    later(hours=25)

    # When its deadline passes, then it is not cancelled
    assert deadlines() == {"flagged": 1, "cancelled": 0}

    # And the redrive confirms it
    assert redrive(parked.pk) == "redriven"
    assert Order.objects.get(pk=order_id).status == "confirmed"


def test_an_order_whose_answer_was_discarded_is_late(
    order_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    parked = park_answer(order_id, monkeypatch)
    age_ledger(minutes=16)
    later(hours=25)

    discard(parked.pk)

    assert deadlines() == {"flagged": 1, "cancelled": 1}


def test_flagged_again_when_it_hangs_in_cancelling(order_id: UUID) -> None:
    # Given an order that was flagged while nobody decided about it, and is to be cancelled
    later(minutes=20)
    assert deadlines()["flagged"] == 1
    first = Order.objects.get().flagged_at
    order_cancel(order_id=order_id)
    assert deadlines()["flagged"] == 0

    # When shipping does not answer either
    Order.objects.update(
        updated_at=F("updated_at") - timedelta(minutes=16),
        flagged_at=F("flagged_at") - timedelta(minutes=17),
    )

    # Then
    assert [deadlines()["flagged"] for _ in range(2)] == [1, 0]
    flagged_at = Order.objects.get().flagged_at
    assert first is not None
    assert flagged_at is not None
    assert flagged_at > first
