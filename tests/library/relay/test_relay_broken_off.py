"""A relay that is cut off midway loses nothing and marks nothing too early; one leads."""

from __future__ import annotations

import threading

import pytest
from django.db import connection

from polder.configuration.nodes import Nodes
from polder.outbox import reader
from polder.outbox import relay as relay_module
from polder.outbox.models import OutboxEvent
from polder.outbox.relay import Relay
from polder.process.stopping import Stop
from polder.testing import eventually
from polder.testing.database import other_connection
from tests.library.broker import (
    ORDER_URL,
    Auditor,
    close_connections,
    declare_all,
    management,
)
from tests.library.relay.running import (
    Watched,
    _backend,
    commit,
    everything_is_published,
    holds_the_lead,
    orders,
    running,
    unpublished_rows,
)


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


def test_a_sequence_set_back_while_the_broker_is_away(
    committed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a floor above what is drawn next, as in a copy that was not made at one moment
    monkeypatch.setattr(reader, "RAISE_EVERY", 0.0)
    monkeypatch.setattr(relay_module, "REFUSED_WAIT", 0.1)
    with running():
        commit(*orders(60))
        eventually(everything_is_published)
    with connection.cursor() as cursor:
        cursor.execute("SELECT max(position) FROM polder_outbox")
        highest = cursor.fetchone()[0]
        cursor.execute("SELECT setval('polder_outbox_floor', %s)", [highest + 1])
        cursor.execute("SELECT setval('polder_outbox_position_seq', %s)", [highest - 50])
    api = management()
    api.call("DELETE", "exchanges", api.vhost, "order.events")

    # When events come, until the floor is above the sequence no more
    try:
        with running():
            commit(*orders(1))
            eventually(lambda: _floor() <= highest - 49)
            commit(*orders(60))
            declare_all()

            # Then
            eventually(everything_is_published, seconds=30)
    finally:
        declare_all()


def _floor() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT last_value FROM polder_outbox_floor")
        return int(cursor.fetchone()[0])


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


def test_who_cannot_reach_the_broker_gives_the_lead_away(
    auditor: Auditor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay_module, "LEADS_IN_VAIN", 1.0)
    with running(2) as relays:
        (leader,) = eventually(lambda: [one for one in relays if holds_the_lead(one)])
        (standby,) = [one for one in relays if one is not leader]

        # When the broker cannot be reached from the leader's host
        leader.nodes = Nodes("amqp://order:so@127.0.0.1:1/polder")
        eventually(lambda: close_connections("order"), pause=0.2)

        # Then
        eventually(lambda: holds_the_lead(standby), seconds=60)
        ids = commit(*orders(10))
        assert auditor.ids(10) == ids
        eventually(everything_is_published)


def test_a_leader_that_is_frozen_does_not_keep_the_lead(auditor: Auditor) -> None:
    """Its kernel goes on to answer for it, so the database asks for a word of its own."""
    outbox = reader.OutboxReader.connect()
    try:
        assert outbox.try_lead()
        outbox._connection.execute("SET idle_session_timeout = '1s'")  # else a minute
        with running() as [standby]:
            eventually(lambda: holds_the_lead(standby), seconds=60)
            ids = commit(*orders(10))
            assert auditor.ids(10) == ids
            eventually(everything_is_published)
    finally:
        outbox.close()


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
