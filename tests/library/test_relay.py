"""The relay against a real RabbitMQ: everything is published, in order, and nothing is marked
before the broker has it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from django.db import connection, transaction
from uuid_utils.compat import uuid7

from polder.broker.confirms import ConfirmedPublisher, ConfirmTimeout, Outgoing, Receipt
from polder.contracts.event import CONTENT_TYPE, Event
from polder.outbox import reader
from polder.outbox import relay as relay_module
from polder.outbox.models import OutboxEvent
from polder.outbox.publish import publish
from polder.outbox.relay import Relay
from polder.stopping import Stop
from polder.testing import eventually
from polder.testing.database import other_connection
from tests.library.broker import (
    ORDER_URL,
    Auditor,
    close_connections,
    connected,
    declare_all,
    management,
)
from tests.makers import order_event

BINDINGS = [
    ("bindings", management().vhost, "e", "order.events", "q", f"{subscriber}.from.order")
    for subscriber in ("inventory", "shipping")
]
QUEUE = ("queues", management().vhost, "inventory.from.order")


@pytest.fixture(scope="module", autouse=True)
def _topology() -> Iterator[None]:
    declare_all()
    yield
    management().call("DELETE", *QUEUE, "contents")


@pytest.fixture
def auditor(committed: None) -> Iterator[Auditor]:
    with connected("deploy") as connection:
        yield Auditor(connection, "order.events")


@contextmanager
def running(number: int = 1) -> Iterator[list[Relay]]:
    """Relays in threads; afterwards they are told to stop, and must."""
    stop = Stop()
    relays = [Relay("order", ORDER_URL, stop) for _ in range(number)]
    threads = [threading.Thread(target=one.run, daemon=True) for one in relays]
    for thread in threads:
        thread.start()
    try:
        yield relays
    finally:
        stop.set()
        for thread in threads:
            thread.join(20)
        assert not [thread for thread in threads if thread.is_alive()]


def commit(*events: Event) -> list[str]:
    with transaction.atomic():
        publish(*events)
    return [str(event.id) for event in events]


def orders(number: int) -> list[Event]:
    return [order_event() for _ in range(number)]


def insert_directly(kind: str, body: str) -> str:
    """A row that `publish()` would have refused."""
    key = str(uuid7())
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO polder_outbox (id, type, aggregate_type, subject, version, "
            "correlation_id, body) VALUES (%s, %s, 'order', 's', 1, %s, %s)",
            [key, kind, key, body],
        )
    return key


def unpublished_rows() -> list[str]:
    return [
        str(key)
        for key in OutboxEvent.objects.filter(published_at=None).values_list("id", flat=True)
    ]


def everything_is_published() -> bool:
    return not unpublished_rows()


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
    monkeypatch.setattr(relay_module, "LARGEST_EVENT", 10_000_000)
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
    monkeypatch.setattr(relay_module, "SHORTEST_WAIT", 0.01)
    monkeypatch.setattr(relay_module, "LONGEST_WAIT", 0.05)

    # When others are there beside it, each time
    with running():
        for _ in range(3 * relay_module.REFUSALS):
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


def test_a_held_row_goes_out_when_it_is_released(auditor: Auditor) -> None:
    (key,) = commit(order_event())
    OutboxEvent.objects.update(held_at="2026-01-01T00:00:00Z")
    with running():
        later = commit(order_event())
        assert auditor.ids(1) == later
        eventually(lambda: unpublished_rows() == [key])

        OutboxEvent.objects.update(held_at=None)

        assert auditor.ids(2) == [*later, key]


class Watched(ConfirmedPublisher):
    """The publisher, with a hand in it: `between` is called when a window was sent and is not
    confirmed yet."""

    made: list[Watched] = []
    between: Callable[[Watched, int], None] = staticmethod(lambda publisher, window: None)
    windows = 0

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        Watched.made.append(self)

    def send(self, window: Sequence[Outgoing]) -> None:
        super().send(window)
        if window:
            Watched.windows += 1
            Watched.between(self, Watched.windows)


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> type[Watched]:
    monkeypatch.setattr(relay_module, "ConfirmedPublisher", Watched)
    monkeypatch.setattr(relay_module, "WINDOW", 50)
    monkeypatch.setattr(Watched, "made", [])
    monkeypatch.setattr(Watched, "windows", 0)
    return Watched


def test_a_connection_closed_midway_loses_nothing(
    auditor: Auditor, watched: type[Watched], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given the broker closes the relay's connection when it has sent its third window
    def close(publisher: Watched, window: int) -> None:
        if window == 3:
            eventually(lambda: close_connections("order"), pause=0.2)

    monkeypatch.setattr(Watched, "between", staticmethod(close))
    ids = commit(*orders(300))

    # When
    with running():
        eventually(everything_is_published, seconds=120)

    # Then first arrivals are in order
    assert len(watched.made) >= 2
    assert list(dict.fromkeys(auditor.ids(300))) == ids


def test_a_late_confirm_confirms_nothing(
    auditor: Auditor, watched: type[Watched], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given no time at all for the second window's confirms
    marked: list[int] = []

    def hurry(publisher: Watched, window: int) -> None:
        publisher.timeout = 0.0 if window == 2 else 15.0
        if window == 3:
            marked.append(OutboxEvent.objects.exclude(published_at=None).count())
            connection.close()

    monkeypatch.setattr(Watched, "between", staticmethod(hurry))
    ids = commit(*orders(150))

    # When
    with running():
        eventually(everything_is_published)

        # Then only the first window was marked, and its connection is gone
        assert marked == [50]
        assert len(watched.made) == 2
        assert not watched.made[0].connection.connected
    assert list(dict.fromkeys(auditor.ids(150))) == ids


def test_a_database_lost_while_a_window_is_under_way_marks_nothing_for_it(
    auditor: Auditor, watched: type[Watched], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given the relay's database connection is terminated when it has sent its second window
    running_relays: list[Relay] = []

    def terminate(publisher: Watched, window: int) -> None:
        if window == 2:
            with other_connection() as other:
                other.execute("SELECT pg_terminate_backend(%s)", [_backend(running_relays[0])])

    monkeypatch.setattr(Watched, "between", staticmethod(terminate))
    ids = commit(*orders(200))

    # When
    with running() as relays:
        running_relays += relays
        eventually(everything_is_published, seconds=120)

        # Then its late confirms were never heard, so they could not count for another window
        assert len(watched.made) == 2
        assert not watched.made[0].connection.connected
    assert list(dict.fromkeys(auditor.ids(200))) == ids


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


def insert_row(other: psycopg.Connection[tuple[object, ...]]) -> str:
    event = order_event()
    other.execute(
        "INSERT INTO polder_outbox (id, type, aggregate_type, subject, version, correlation_id, "
        "body) VALUES (%s, %s, %s, %s, %s, %s, %s)",
        [
            event.id,
            event.type,
            event.aggregatetype,
            event.subject,
            event.aggregateversion,
            event.correlationid,
            event.encode(),
        ],
    )
    return str(event.id)


def holds_the_lead(relay: Relay) -> bool:
    backend = _backend(relay)
    with other_connection() as other:
        row = other.execute(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND pid = %s",
            [backend],
        ).fetchone()
        return backend is not None and row == (1,)


def _backend(relay: Relay) -> int | None:
    return relay.outbox._connection.info.backend_pid if relay.outbox is not None else None


def test_one_leads_and_the_other_takes_over(auditor: Auditor) -> None:
    with running(2) as relays:
        # Given
        (leader,) = eventually(lambda: [one for one in relays if holds_the_lead(one)])
        (standby,) = [one for one in relays if one is not leader]
        eventually(lambda: _backend(standby))
        first = commit(*orders(10))
        assert auditor.ids(10) == first
        assert not holds_the_lead(standby)
        assert standby.publisher is None

        # When
        with other_connection() as other:
            other.execute("SELECT pg_terminate_backend(%s)", [_backend(leader)])

        # Then
        eventually(lambda: [one for one in relays if holds_the_lead(one)])
        second = commit(*orders(10))
        eventually(everything_is_published)
        assert set(auditor.ids(20)) == {*first, *second}


def test_told_to_stop_it_ends_its_window(
    auditor: Auditor, watched: type[Watched], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given it is told to stop while a window is under way
    stop = Stop()
    monkeypatch.setattr(
        Watched,
        "between",
        staticmethod(lambda publisher, window: stop.set() if window == 2 else None),
    )
    commit(*orders(150))
    relay = Relay("order", ORDER_URL, stop)

    # When
    thread = threading.Thread(target=relay.run, daemon=True)
    thread.start()
    thread.join(20)

    # Then
    assert not thread.is_alive()
    assert len(unpublished_rows()) == 50
    assert len(auditor.ids(100)) == 100
    assert relay.publisher is None
    assert relay.outbox is None


def test_ready_when_it_leads_and_when_it_stands_by(committed: None) -> None:
    ready, stop = [threading.Event(), threading.Event()], Stop()
    threads = [
        threading.Thread(target=Relay("order", ORDER_URL, stop, one.set).run, daemon=True)
        for one in ready
    ]
    for thread in threads:
        thread.start()

    assert all(one.wait(60) for one in ready)
    stop.set()
    for thread in threads:
        thread.join(10)


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
