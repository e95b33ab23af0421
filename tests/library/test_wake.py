"""The relay sleeps while there is nothing to publish, and a writer wakes it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connection

from polder.outbox import relay, wake
from polder.outbox.wake import MANY, Rest
from polder.process.stopping import Stop
from polder.testing import eventually
from tests.library.broker import declare_all, management
from tests.library.relay.running import commit, orders, running, unpublished_rows


@pytest.fixture(scope="module", autouse=True)
def _topology() -> None:
    declare_all()


def is_asleep() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT last_value FROM polder_outbox_asleep")
        return bool(cursor.fetchone() == (1,))


@pytest.fixture
def asleep(committed: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A relay that looks at the outbox when it is woken, and else not within the test's time."""
    monkeypatch.setattr(wake, "LONGEST_SLEEP", 3600.0)
    monkeypatch.setattr(wake, "SETTLING", 0.0)
    with running():
        eventually(is_asleep, seconds=60)
        yield
    assert not is_asleep(), "writers go on waking who is gone"


def test_a_writer_wakes_it(asleep: None) -> None:
    for order in orders(5):
        commit(order)
        eventually(lambda: not unpublished_rows(), seconds=60)


def test_while_the_broker_takes_nothing_no_writer_wakes_it(
    asleep: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "REFUSED_WAIT", 3600.0)
    management().call("DELETE", "exchanges", management().vhost, "order.events")
    try:
        commit(*orders(1))
        eventually(lambda: not is_asleep())
    finally:
        declare_all()


def test_what_it_was_not_woken_for_it_finds_by_itself(
    committed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a writer that looked just before the relay said that it sleeps
    with running():
        eventually(is_asleep, seconds=60)
        with connection.cursor() as cursor:
            cursor.execute("SELECT polder_outbox_sleep(false)")
        commit(*orders(1))
        eventually(lambda: not unpublished_rows(), seconds=60)


class Recorded:
    """An outbox's reader that says what it was asked for."""

    def __init__(self) -> None:
        self.asleep: list[bool] = []
        self.waits: list[float] = []

    def listen(self) -> None:
        pass

    def sleep(self, asleep: bool) -> None:
        self.asleep.append(asleep)

    def wait(self, stop: Stop, seconds: float) -> None:
        self.waits.append(seconds)


def test_it_sleeps_when_few_events_come_and_looks_often_while_many_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [100.0]
    monkeypatch.setattr(wake.time, "monotonic", lambda: now[0])
    outbox, stop = Recorded(), Stop()
    rest = Rest(outbox)

    def second(events: int) -> float:
        """One of ten looks; the longest of its waits."""
        outbox.waits.clear()
        for _ in range(10):
            now[0] += 0.1
            rest.found(events // 10)
            rest.wait(stop)
        return max(outbox.waits)

    assert second(0) <= wake.LONGEST_NAP, "it has not settled"
    second(0)
    assert second(0) == wake.LONGEST_SLEEP
    assert second(MANY - 10) == wake.LONGEST_SLEEP
    second(MANY + 10)
    assert second(MANY + 10) <= wake.LONGEST_NAP
    assert second(MANY - 10) <= wake.LONGEST_NAP, "it goes to and fro"
    for _ in range(3):
        second(10)
    assert second(10) == wake.LONGEST_SLEEP
    assert outbox.asleep == [False, True, False, True]
