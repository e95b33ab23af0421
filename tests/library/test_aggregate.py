"""Owned rows: versions by compare-and-set, moves by the table."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta

import pytest
from django.db import transaction
from django.utils import timezone
from uuid_utils.compat import uuid7

from order_service.models import Order
from polder.domain.aggregate import StaleAggregate, save_changed
from polder.domain.exact import ExactEncoder
from polder.domain.states import IllegalMove, Moves
from polder.outbox.guard.bypass import unguarded


@pytest.fixture
def order(db: None) -> Iterator[Order]:
    with unguarded("rows alone, of which nobody hears"):
        Order.objects.create(
            id=uuid7(), customer_name="Ada", line1="Dijk 1", country="NL", lines=[]
        )
        yield Order.objects.get()


def test_a_move_raises_the_version(order: Order) -> None:
    # When
    order.move_to("confirmed")
    order.move_to("shipped")
    save_changed([order], "status")

    # Then
    stored = Order.objects.get()
    assert (stored.status, stored.version) == ("shipped", 3)
    assert stored.updated_at > stored.created_at
    assert stored.customer_name == "Ada"


def test_a_row_that_had_changed(order: Order) -> None:
    # Given two who read it
    other = Order.objects.get()
    other.move_to("rejected")
    save_changed([other], "status")

    # When
    order.move_to("confirmed")
    with pytest.raises(StaleAggregate), transaction.atomic():
        save_changed([order], "status")

    # Then
    assert Order.objects.get().status == "rejected"


def test_saved_once_more(order: Order) -> None:
    for status in ("confirmed", "cancelling", "cancelled"):
        order.move_to(status)
        save_changed([order], "status")

    assert (Order.objects.get().status, Order.objects.get().version) == ("cancelled", 4)


def test_it_is_saved_as_the_field_says(order: Order, monkeypatch: pytest.MonkeyPatch) -> None:
    """A moment to the microsecond, as its event has it; a value as `save()` would write it."""
    moment = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
    monkeypatch.setattr(Order._meta.get_field("customer_name"), "get_prep_value", str.upper)

    order.change(flagged_at=moment, customer_name="Ada")
    save_changed([order], "flagged_at", "customer_name")

    stored = Order.objects.get()
    assert (stored.flagged_at, stored.customer_name) == (moment, "ADA")


def test_rows_are_read_again_as_they_were() -> None:
    row = [datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC), time(1, 2, 3, 456789)]

    moment, of_day = json.loads(json.dumps(row, cls=ExactEncoder))

    assert [datetime.fromisoformat(moment), time.fromisoformat(of_day)] == row


def test_nothing_to_save(db: None) -> None:
    save_changed([])


@pytest.mark.parametrize("status", ["shipped", "pending", "delivered", "cancelled"])
def test_an_illegal_move(order: Order, status: str) -> None:
    with pytest.raises(IllegalMove, match="legal from pending: cancelling, confirmed, rejected"):
        order.move_to(status)
    assert (order.status, order.version) == ("pending", 1)


def test_a_table_that_leads_nowhere() -> None:
    with pytest.raises(ValueError, match="lost"):
        Moves({"found": {"lost"}}, initial={"found"})
    assert Moves({"a": {"b"}, "b": set()}, initial={"a"}).terminal == {"b"}


def test_the_database_says_when_it_was_made(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Deadlines are counted from it, and a web host's clock may be a day off."""
    yesterday = timezone.now() - timedelta(days=1)
    monkeypatch.setattr(timezone, "now", lambda: yesterday)

    with unguarded("a row alone"):
        order = Order.objects.create(id=uuid7(), customer_name="Ada", country="NL", lines=[])

    assert order.created_at - yesterday > timedelta(hours=23)
    assert Order.objects.get().created_at == order.created_at
