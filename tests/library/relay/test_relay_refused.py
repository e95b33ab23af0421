"""A row that the broker refuses is found, is held, and stops nobody."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.db.models.functions import Now

from polder.broker.confirms import ConfirmedPublisher, Receipt
from polder.outbox import backoff, reader, refusals
from polder.outbox.models import OutboxEvent
from polder.testing import eventually
from tests.library.broker import (
    Auditor,
    connected,
)
from tests.library.relay.running import (
    commit,
    everything_is_published,
    insert_directly,
    orders,
    running,
    unpublished_rows,
)
from tests.makers import order_event


def test_a_row_too_large_is_held_and_stops_nobody(auditor: Auditor) -> None:
    # Given
    first = commit(order_event())
    large = insert_directly("OrderCreated", "x" * 300_000)
    last = commit(order_event())

    # When
    with running():
        assert auditor.ids(2) == first + last
        eventually(lambda: unpublished_rows() == [large])

    # Then
    row = OutboxEvent.objects.get(pk=large)
    assert row.held_at is not None
    assert "300000 bytes" in row.error


def test_a_row_with_a_name_too_long_for_amqp_is_held_and_stops_nobody(auditor: Auditor) -> None:
    first = commit(order_event())
    odd = insert_directly("𝄞" * 100, "{}")
    last = commit(order_event())

    with running():
        assert auditor.ids(2) == first + last
        eventually(lambda: unpublished_rows() == [odd])

    assert OutboxEvent.objects.get(pk=odd).held_at is not None


def test_a_row_that_the_broker_closes_the_channel_at_is_found_and_held(
    auditor: Auditor, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given one above the broker's own limit, which we do not know of
    monkeypatch.setattr(refusals, "LARGEST_EVENT", 10_000_000)
    monkeypatch.setattr(reader, "ATTEMPTS", 1)
    first = commit(*orders(20))
    large = insert_directly("OrderCreated", "x" * 1_200_000)
    last = commit(*orders(20))

    # When
    with running():
        eventually(lambda: unpublished_rows() == [large], seconds=120)

    # Then the others went out, each at least once
    assert set(auditor.ids(40)) == {*first, *last}
    row = OutboxEvent.objects.get(pk=large)
    assert (row.attempts, row.held_at is not None) == (1, True)
    assert "max size" in row.error


def test_nacks_beside_acks_are_the_brokers_trouble_at_first(auditor: Auditor) -> None:
    """A quorum queue that loses its leader nacks some of what it was handed, and takes it a moment
    later."""
    with connected("deploy") as connection:
        # Given a queue that takes one message and refuses the next ones
        full = Auditor(
            connection, "order.events", **{"x-max-length": 1, "x-overflow": "reject-publish"}
        )
        ids = commit(*orders(3))

        # When
        with running() as (relay,):
            eventually(lambda: relay.publisher is not None and relay.publisher.receipt().refused)
            later = commit(*orders(3))

            # Then all goes out once the queue takes it, and nothing was counted against anybody
            full.channel.queue_delete(full.name)
            eventually(everything_is_published)
    assert set(OutboxEvent.objects.values_list("attempts", "retry_at")) == {(0, None)}
    assert list(dict.fromkeys(auditor.ids(6))) == [*ids, *later]


def test_a_queue_that_is_nearly_full_for_long_blames_no_row(
    auditor: Auditor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As an operator's max-length makes it, beside overflow reject-publish, while the subscriber
    is slow: of each window some are taken."""
    monkeypatch.setattr(backoff, "SHORTEST_WAIT", 0.01)
    monkeypatch.setattr(backoff, "LONGEST_WAIT", 0.05)
    with connected("deploy") as connection:
        full = Auditor(
            connection, "order.events", **{"x-max-length": 2, "x-overflow": "reject-publish"}
        )
        commit(*orders(60))

        with running():

            def read_on() -> bool:
                full.channel.basic_get(full.name, no_ack=True)
                return everything_is_published() or _blamed()

            eventually(read_on, seconds=120)

    assert not _blamed()


def _blamed() -> bool:
    return OutboxEvent.objects.filter(attempts__gt=0).exists()


def test_a_row_that_is_always_refused_beside_others_is_blamed_and_stops_nobody(
    committed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a broker that takes anything but one
    ids = commit(*orders(3))
    bad = ids[1]
    reconcile = ConfirmedPublisher.wait_for_confirms

    def refuse(self: ConfirmedPublisher) -> Receipt:
        receipt = reconcile(self)
        if (index := self._index_of_id.get(bad)) is not None:
            receipt.acked.discard(index)
            receipt.refused[index] = "the broker refused it (nack)"
        return receipt

    monkeypatch.setattr(ConfirmedPublisher, "wait_for_confirms", refuse)
    monkeypatch.setattr(backoff, "SHORTEST_WAIT", 0.01)
    monkeypatch.setattr(backoff, "LONGEST_WAIT", 0.05)

    # When others are there beside it, each time
    with running():
        for _ in range(3 * refusals.REFUSALS):
            commit(*orders(2))
            if OutboxEvent.objects.filter(pk=bad, attempts__gt=0).exists():
                break
            eventually(lambda: unpublished_rows() == [bad])

    # Then it counts
    row = OutboxEvent.objects.get(pk=bad)
    assert (row.attempts, row.error, row.retry_at is not None) == (
        1,
        "the broker refused it (nack)",
        True,
    )


def test_a_row_waits_for_no_clock_that_was_set_back(auditor: Auditor) -> None:
    ids = commit(order_event())
    OutboxEvent.objects.update(attempts=1, retry_at=Now() + timedelta(days=1))

    with running():
        assert auditor.ids(1) == ids


def test_a_table_that_is_missing_is_no_outage(
    committed: None, caplog: pytest.LogCaptureFixture
) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE polder_outbox RENAME TO elsewhere")
        try:
            with running():
                eventually(lambda: "the database refuses, the relay tries again" in caplog.text)
        finally:
            cursor.execute("ALTER TABLE elsewhere RENAME TO polder_outbox")
    assert "is away" not in caplog.text


def test_a_held_row_goes_out_when_it_is_released(auditor: Auditor) -> None:
    (key,) = commit(order_event())
    OutboxEvent.objects.update(held_at="2026-01-01T00:00:00Z")
    with running():
        later = commit(order_event())
        assert auditor.ids(1) == later
        eventually(lambda: unpublished_rows() == [key])

        OutboxEvent.objects.update(held_at=None)

        assert auditor.ids(2) == [*later, key]
