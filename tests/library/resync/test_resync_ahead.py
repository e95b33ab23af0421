"""The next page is asked for before the one that came is merged: the owner reads while we write."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from polder.direct.messages import Message
from polder.replication.models import ReplicaState
from polder.resync import asking, receiving, runs, tending, turns
from polder.resync.messages import PageRequest, RowsRequest
from polder.testing import deliver, eventually
from polder.testing.database import other_connection
from tests.library.resync.wire import PRODUCT, Wire, edit, products, state
from tests.makers import product_event


def owned(wire: Wire, number: int = 6) -> None:
    wire.owns(*(product_event(product_id=f"p{each}") for each in range(number)))


def test_it_goes_out_before_the_rows_are_merged(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    owned(wire)
    had: dict[str, int] = {}

    def say(routing_key: str, messages: Sequence[Message]) -> bool:
        [message] = messages
        if isinstance(message, PageRequest):
            had[message.after] = len(products())
        return wire.say(routing_key, messages)

    monkeypatch.setattr(asking, "say", say)
    runs.begin(PRODUCT, "asked for", rate=asking.UNHURRIED)
    wire.run()

    assert had == {"": 0, "p1": 0, "p3": 2}
    assert len(products()) == 6


def test_what_was_asked_for_ahead_is_not_asked_for_again(wire: Wire) -> None:
    owned(wire)
    runs.begin(PRODUCT, "asked for", rate=asking.UNHURRIED)
    receiving.receive(wire.answer())

    assert (state().request_id, state().cursor) == (wire.asked().request, "p1")
    assert tending.ask_again() == 0
    ReplicaState.objects.update(said_at=timezone.now() - timedelta(minutes=1))
    assert tending.ask_again() == 0  # it says that it has not been answered
    assert "has not answered" in state().trouble
    wire.run()
    assert len(products()) == 6


def test_a_row_to_be_asked_for_comes_first(wire: Wire) -> None:
    """The page that was asked for ahead comes in vain, and once more in its turn."""
    owned(wire)
    deliver(product_event(product_id="p0x"))
    edit("p0x", version=1)
    runs.begin(PRODUCT, "asked for", rate=asking.UNHURRIED)
    receiving.receive(wire.answer())
    early = next(m for _, m in wire.said if isinstance(m, PageRequest) and m.after == "p1")

    assert not receiving.receive(wire.answer(early))
    wire.run()

    assert sorted(products()) == [f"p{each}" for each in range(6)]


def test_while_events_wait_nothing_is_asked_for_ahead(wire: Wire) -> None:
    owned(wire)
    runs.begin(PRODUCT, "asked for", rate=asking.UNHURRIED)
    first = wire.answer()
    wire.waiting = asking.LIVE_FIRST + 1
    receiving.receive(first)
    assert state().trouble == asking.YIELDING

    wire.waiting = 0
    assert tending.ask_again() == 1
    wire.run()
    assert len(products()) == 6


def test_an_answer_that_comes_early_waits_for_its_turn(
    committed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process still merges what comes before it."""
    wire = Wire()
    owned(wire)
    monkeypatch.setattr(asking, "say", wire.say)
    monkeypatch.setattr(asking, "waiting_in", lambda queues: 0)
    runs.begin(PRODUCT, "asked for", rate=asking.UNHURRIED)
    page = wire.answer()
    taken: list[bool] = []

    def take_early() -> None:
        taken.append(receiving.receive(wire.answer(ahead)))
        connection.close()

    ahead = PageRequest(
        asker="order",
        request=turns.following(page.request),
        aggregate="product",
        after="p1",
        size=2,
    )
    early = threading.Thread(target=take_early)
    with transaction.atomic():
        assert receiving.receive(page)
        early.start()
        with other_connection() as other:
            waits = "SELECT FROM pg_locks WHERE NOT granted"
            eventually(lambda: other.execute(waits).fetchall())
    early.join(20)

    assert taken == [True]
    assert sorted(products()) == ["p0", "p1", "p2", "p3"]


def test_one_that_somebody_slowed_down_asks_for_nothing_ahead(wire: Wire) -> None:
    owned(wire)
    runs.begin(PRODUCT, "asked for", rate=asking.UNHURRIED - 1)
    page = wire.answer()

    receiving.receive(page)

    assert wire.asked().request != turns.following(page.request)
    assert len([m for _, m in wire.said if isinstance(m, PageRequest)]) == 2


def test_it_asks_on_while_it_waits_for_its_turn(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two are under way besides the one that is merged; more are nobody's."""
    monkeypatch.setattr(turns, "LONGEST", 0.1)
    owned(wire)
    runs.begin(PRODUCT, "asked for", rate=asking.UNHURRIED)
    first = wire.asked()
    second = following(first, after="p1")
    third = following(second, after="p3")

    assert not receiving.receive(wire.answer(second))  # the first never comes

    assert wire.asked() == third
    assert [turns.steps_before(state(), one.request) for one in (first, second, third)] == [0, 1, 2]
    assert turns.run_of(turns.following(third.request)) is None
    assert products() == {}


def following(before: PageRequest | RowsRequest, after: str) -> PageRequest:
    assert isinstance(before, PageRequest)
    return before.model_copy(update={"request": turns.following(before.request), "after": after})


def test_an_answer_from_behind_another_key_is_not_taken(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page before it came twice and ended otherwise, as when it was cut elsewhere: what lies
    between would never come."""
    owned(wire)
    runs.begin(PRODUCT, "asked for", rate=asking.UNHURRIED)
    first = wire.asked()
    longer = wire.answer()
    wire.size = 1
    shorter = wire.answer()

    def broken(*args: object) -> None:
        raise RuntimeError("broken off")

    with monkeypatch.context() as patch:
        patch.setattr(receiving, "next_request", broken)
        assert not receiving.receive(longer)
    behind_longer = wire.asked()
    assert receiving.receive(shorter)
    assert (state().cursor, behind_longer.request) == ("p0", turns.following(first.request))

    assert not receiving.receive(wire.answer(behind_longer))
    ReplicaState.objects.update(said_at=timezone.now() - timedelta(minutes=1))
    assert tending.ask_again() == 0  # it says that it has not been answered
    wire.run()

    assert sorted(products()) == [f"p{each}" for each in range(6)]
