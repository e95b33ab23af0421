"""The relay against a real RabbitMQ: everything is published, in order, and nothing is marked
before the broker has it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from uuid_utils.compat import uuid7

from polder.broker.confirms import ConfirmedPublisher, ConfirmTimeout, Outgoing, Receipt
from polder.contracts.event import CONTENT_TYPE
from polder.outbox import reader
from polder.outbox.models import OutboxEvent
from polder.testing import eventually
from polder.testing.database import other_connection
from tests.library.broker import (
    ORDER_URL,
    Auditor,
    declare_all,
    management,
)
from tests.library.relay.running import (
    BINDINGS,
    commit,
    everything_is_published,
    insert_row,
    orders,
    running,
    unpublished_rows,
)
from tests.makers import order_event


def test_published_in_order_and_marked(auditor: Auditor) -> None:
    # Given more than two windows
    ids = [key for _ in range(12) for key in commit(*orders(100))]

    # When
    with running():
        eventually(everything_is_published)

        # Then
        assert auditor.ids(1200) == ids
        later = commit(*orders(3))
        assert auditor.ids(1203)[-3:] == later


def test_a_message_as_it_goes_over_the_wire(auditor: Auditor) -> None:
    event = order_event()
    commit(event)

    with running():
        (message,) = auditor.wait_for(1)

    assert message.body == event.encode() or message.body == event.encode().encode()
    assert message.properties == {
        "content_type": CONTENT_TYPE,
        "delivery_mode": 2,
        "message_id": str(event.id),
        "type": "OrderCreated",
    }
    assert (message.delivery_info["exchange"], message.delivery_info["routing_key"]) == (
        "order.events",
        "OrderCreated",
    )


def test_what_is_committed_late_is_not_passed_over(auditor: Auditor) -> None:
    # Given a transaction that drew the first position and is still open
    with other_connection() as other:
        other.autocommit = False
        early = order_event()
        row = (early.id, early.type, "order", early.subject, 1, early.correlationid, early.encode())
        other.execute(
            "INSERT INTO polder_outbox (id, type, aggregate_type, subject, version, "
            "correlation_id, body) VALUES (%s,%s,%s,%s,%s,%s,%s)",
            row,
        )

        # When later ones are committed and published before it
        with running():
            later = commit(*orders(5))
            assert auditor.ids(5) == later
            other.commit()

            # Then
            assert auditor.ids(6) == [*later, str(early.id)]
            eventually(everything_is_published)


def test_what_no_queue_took_stays_unpublished(committed: None) -> None:
    # Given
    for binding in BINDINGS:
        management().call("DELETE", *binding, "~")
    try:
        ids = commit(*orders(3))
        with running() as (relay,):
            # When it has been tried
            eventually(lambda: relay.publisher is not None and relay.publisher.receipt().refused)

            # Then it is the broker's trouble: it costs no attempts
            assert sorted(unpublished_rows()) == sorted(ids)
            assert set(OutboxEvent.objects.values_list("attempts", "held_at")) == {(0, None)}

            # And goes out when somebody listens again
            declare_all()
            eventually(everything_is_published)
    finally:
        declare_all()


def test_a_row_seen_late_goes_out_before_what_came_after_it(committed: None) -> None:
    """The next version of its aggregate has a later position: left out with the window's range, it
    would be overtaken."""
    outbox = reader.OutboxReader.connect()
    try:
        # Given a window under way, around a row that was not committed when it was selected
        (first,) = commit(order_event())
        with other_connection() as other, other.transaction():
            late = insert_row(other)
            (last,) = commit(order_event())
            window = outbox.select(500)
        (next_one,) = commit(order_event())

        # When the window after it is selected
        following = outbox.select(500, under_way=window)

        # Then
        assert [row.id for row in window] == [first, last]
        assert [row.id for row in following] == [late, next_one]
    finally:
        outbox.close()


class TestConfirmedPublisher:
    @pytest.fixture
    def publisher(self) -> Iterator[ConfirmedPublisher]:
        publisher = ConfirmedPublisher(ORDER_URL, "order.events", content_type=CONTENT_TYPE)
        yield publisher
        publisher.close()

    @staticmethod
    def window(number: int) -> list[Outgoing]:
        return [Outgoing(str(uuid7()), "OrderCreated", b"{}") for _ in range(number)]

    def test_windows_one_after_the_other(self, publisher: ConfirmedPublisher) -> None:
        for number in (1, 500, 0, 7):
            assert publisher.publish(self.window(number)) == Receipt(acked=set(range(number)))

    def test_in_time_or_not_at_all(self, publisher: ConfirmedPublisher) -> None:
        publisher.timeout = 0.0
        with pytest.raises(ConfirmTimeout):
            publisher.publish(self.window(5))
        assert publisher.receipt() == Receipt()

    def test_kept_alive(self, publisher: ConfirmedPublisher) -> None:
        publisher._kept_alive -= 100
        publisher.keep_alive()
        assert publisher.publish(self.window(1)).acked == {0}

    def test_closed_twice(self, publisher: ConfirmedPublisher) -> None:
        publisher.close()
        publisher.close()

    def test_confirms_of_several_at_once(self, publisher: ConfirmedPublisher) -> None:
        # Given confirms as a broker may send them, in any order and for several tags at once
        publisher.publish(self.window(3))
        publisher._receipt, publisher._first, publisher._tag = Receipt(), 4, 9
        publisher._waiting = dict.fromkeys(range(4, 10))

        # When
        publisher._on_nack(6, False)
        publisher._on_ack(7, True)
        publisher._on_ack(9, False)

        # Then
        assert publisher.receipt().acked == {0, 1, 3, 5}
        assert set(publisher.receipt().refused) == {2}
        assert list(publisher._waiting) == [8]
        publisher._waiting.clear()
