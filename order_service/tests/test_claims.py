"""What others claim to know of our orders, and what of it proves that something is forgotten."""

from __future__ import annotations

from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from order_service.models import Order
from order_service.services import Line, order_cancel
from order_service.tests.test_placing import place
from polder.database.partitioning import key_of_now
from polder.outbox import claims, fence
from polder.outbox.claims import Claim
from polder.outbox.fence import FencedAggregate
from polder.outbox.guard.bypass import unguarded
from polder.outbox.models import Fenced, OutboxEvent

pytestmark = pytest.mark.usefixtures("catalogue")
DAY = 24 * 60 * 60 * 1000  # in the milliseconds of a UUIDv7


def claim(key: object, version: int, *, event_id: UUID | None = None) -> Claim:
    return Claim("order", str(key), version, event_id or uuid7())


class TestWhatIsFenced:
    def test_what_we_have_ourselves_is_not(self) -> None:
        placed = place(Line("p1", 1))

        assert (
            claims.put_up([claim(placed.order.pk, 1, event_id=placed.event_id)], "inventory") == 0
        )
        # its week of the outbox was dropped
        long_ago = UUID(int=uuid7().int - (364 * DAY << 80))
        assert claims.put_up([claim(placed.order.pk, 1, event_id=long_ago)], "inventory") == 0
        assert claims.put_up([], "inventory") == 0

    def test_what_is_newer_and_what_we_have_no_more(self) -> None:
        order = place(Line("p1", 1)).order

        assert claims.put_up([claim(order.pk, 4), claim(gone := uuid7(), 2)], "inventory") == 2

        assert set(Fenced.objects.values_list("key", "known_version", "is_forgotten")) == {
            (str(order.pk), 4, False),
            (str(gone), 2, True),
        }

    def test_a_version_that_we_have_come_to_by_another_event(self) -> None:
        """It was acted on before anybody had told what was forgotten."""
        order = place(Line("p1", 1)).order

        assert claims.put_up([claim(order.pk, 1)], "inventory") == 1

        with pytest.raises(FencedAggregate):
            order_cancel(order_id=order.pk)

        # and it ends when we are past it
        with fence.open_to_the_healer():
            order_cancel(order_id=order.pk)
        assert fence.lift_overtaken() == 1
        assert claims.put_up([claim(order.pk, 1)], "inventory") == 0

    def test_what_was_read_at_that_version_names_no_event(self) -> None:
        """What was read at a higher one is forgotten all the same."""
        order = place(Line("p1", 1)).order

        assert claims.put_up([claim(order.pk, 1, event_id=key_of_now())], "inventory") == 0
        assert claims.put_up([claim(order.pk, 2, event_id=key_of_now())], "inventory") == 1

    def test_a_row_that_was_set_back_alone(self) -> None:
        """One table was restored, and the outbox has all that was said."""
        order = place(Line("p1", 1)).order
        order_cancel(order_id=order.pk)
        said = OutboxEvent.objects.get(subject=str(order.pk), version=2).pk
        with unguarded("one table is set back"):
            Order.objects.filter(pk=order.pk).update(version=1, status="pending")

        assert claims.put_up([claim(order.pk, 2, event_id=said)], "inventory") == 1

    def test_told_twice_by_two(self) -> None:
        order = place(Line("p1", 1)).order

        for version, by in ((4, "inventory"), (6, "shipping"), (5, "inventory"), (6, "shipping")):
            claims.put_up([claim(order.pk, version)], by)

        assert list(Fenced.objects.values_list("known_version", "reported_by")) == [(6, "shipping")]

    def test_what_was_never_ours(self) -> None:
        assert claims.put_up([Claim("teapot", "t1", 3, uuid7())], "inventory") == 0
