"""What is published by a host whose clock is wrong is applied by its subscribers."""

from __future__ import annotations

import time
from types import SimpleNamespace

import pytest
from django.db import connection

from common.contracts.orders import OrderCreated
from polder.contracts import clock
from polder.database.connection import look_at
from polder.database.partitioning import moment_of
from polder.inbox.delivery import Delivery
from polder.inbox.reading import read
from polder.outbox.publish import publish
from polder.testing import make_event
from tests.makers import reservation_event

DAY = 86_400.0


def set_host_s_clock(monkeypatch: pytest.MonkeyPatch, ahead: float) -> None:
    """As it is when the process connects to the database, and from then on."""
    clocks = SimpleNamespace(
        time=lambda: time.time() + ahead,
        clock_gettime=time.clock_gettime,
        CLOCK_BOOTTIME=time.CLOCK_BOOTTIME,
    )
    monkeypatch.setattr(clock, "time", clocks)
    monkeypatch.setattr(clock, "_difference", None)
    look_at(connection.connection, "")


@pytest.mark.parametrize("ahead", [20.0, 3 * 3_600.0, DAY, 900 * DAY, -900 * DAY])
def test_nobody_parks_what_it_publishes(
    db: None, monkeypatch: pytest.MonkeyPatch, ahead: float
) -> None:
    set_host_s_clock(monkeypatch, ahead)

    event = reservation_event()

    body = event.encode().encode()
    arrivals, rejected = read([Delivery("order.from.inventory", "inventory", body, time.time())])
    assert rejected == []
    assert [arrival.event for arrival in arrivals] == [event]
    assert abs(moment_of(event.id).timestamp() - time.time()) < 15
    assert abs(event.time.timestamp() - time.time()) < 60


@pytest.mark.parametrize("ahead", [3.0, -30.0, -DAY])
def test_what_does_no_harm_is_left_as_the_host_says(
    db: None, monkeypatch: pytest.MonkeyPatch, ahead: float
) -> None:
    """Here the database's clock may be the one that is wrong."""
    set_host_s_clock(monkeypatch, ahead)

    assert abs(clock.now().timestamp() - time.time() - ahead) < 5


def test_one_that_is_set_while_connected(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    set_host_s_clock(monkeypatch, 0.0)
    monkeypatch.setattr(clock.time, "time", lambda: time.time() + DAY)

    assert abs(clock.now().timestamp() - time.time()) < 60


def test_a_database_s_clock_that_is_set_right_is_believed_again(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "EVERY", 0.0)
    clock.agree(time.time() - 3_600)
    assert clock.now().timestamp() < time.time() - 3_000

    publish(make_event(OrderCreated))

    assert abs(clock.now().timestamp() - time.time()) < 60
