"""How far behind its publishers a service certainly is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db.models import F
from django.db.models.functions import Now

from polder.api import replicas as api
from polder.conditions import State
from polder.consumer import heartbeats
from polder.consumer.heartbeats import note_heartbeats
from polder.database.partitioning import first_key_at
from polder.inbox.models import WaitingEvent
from polder.replication import freshness
from polder.replication.conditions import behind
from polder.replication.models import Heartbeat
from polder.testing.replicas import filled

pytestmark = pytest.mark.django_db


def beat(worker: str, publisher: str, ago: float) -> None:
    freshness.note(worker, {publisher: datetime.now(UTC) - timedelta(seconds=ago)})


def test_nothing_is_said_before_a_heartbeat() -> None:
    assert freshness.behind() == {}
    assert freshness.told(None) == ""


def test_the_oldest_of_the_workers_counts() -> None:
    beat("a", "inventory", 3)
    beat("b", "inventory", 60)
    beat("b", "inventory", 30)
    beat("b", "shipping", 1)

    found = freshness.behind()

    assert (int(found["inventory"]), int(found["shipping"])) == (30, 1)


def test_a_worker_that_is_gone_counts_for_a_while() -> None:
    beat("gone", "inventory", 100)
    beat("b", "inventory", 1)
    assert freshness.behind()["inventory"] >= 100

    Heartbeat.objects.filter(worker="gone").update(heard_at=Now() - timedelta(minutes=3))
    assert freshness.behind()["inventory"] < 100

    Heartbeat.objects.filter(worker="gone").update(heard_at=Now() - timedelta(days=2))
    assert freshness.forget_heartbeats() == 1


def test_of_several_workers_one_that_hears_it_is_enough() -> None:
    """Which of them gets a heartbeat is chance; one that was replaced gets none."""
    for worker, ago in (("a", 4), ("b", 90), ("replaced", 60)):
        beat(worker, "inventory", ago)
    beat("a", "left_by_us", 90)

    assert freshness.late() == {}
    assert list(freshness.behind()) == ["inventory"]

    Heartbeat.objects.filter(worker="a").delete()
    assert "nothing of inventory is heard for" in freshness.late()["inventory"]


def waits(**when: Any) -> None:
    WaitingEvent.objects.all().delete()
    about = {"queue": "q", "body_hash": "x", "publisher": "inventory", "fault": "locked"}
    now = datetime.now(UTC)
    WaitingEvent.objects.create(**about | {"signature": "", "since": now, "last_at": now} | when)


def test_an_event_that_waits_for_a_lock_counts_whoever_has_it() -> None:
    """Its worker hears nothing more, or was never heard, and the others go on."""
    beat("held", "inventory", 300)
    Heartbeat.objects.update(heard_at=Now() - timedelta(minutes=4))
    beat("b", "inventory", 1)
    ago = datetime.now(UTC) - timedelta(minutes=5)

    waits(since=ago)
    assert freshness.behind()["inventory"] >= 300
    assert freshness.late() == {}, "it waits, and its publisher is heard"
    waits(event_id=first_key_at(ago))  # its error changed just now
    assert freshness.behind()["inventory"] >= 300

    # What was announced again is not behind for as long as it is old
    waits(event_id=first_key_at(ago - timedelta(weeks=3)))
    assert freshness.behind()["inventory"] < 3_700
    # nor what nobody tries any more, what was parked, and another publisher's
    for over in (
        {"since": ago, "last_at": ago - timedelta(minutes=6)},
        {"since": ago, "parked_at": ago},
        {"since": ago, "publisher": "shipping"},
    ):
        waits(**over)
        assert freshness.behind()["inventory"] < 300
        assert "shipping" not in freshness.behind()


def test_when_all_are_gone_it_is_the_further_behind() -> None:
    beat("a", "inventory", 600)
    Heartbeat.objects.update(heard_at=Now() - timedelta(minutes=9))
    assert freshness.behind()["inventory"] >= 600


def test_what_was_heard_before_the_clock_was_set_back_makes_nothing_fresh() -> None:
    beat("gone", "inventory", 1)
    Heartbeat.objects.update(heard_at=Now() + timedelta(hours=1), until=Now() + timedelta(hours=1))
    beat("b", "inventory", 60)

    assert freshness.behind()["inventory"] >= 60

    # and where nothing else is heard, it grows old from then on
    Heartbeat.objects.filter(worker="b").delete()
    assert freshness.forget_heartbeats() == 0
    assert freshness.behind()["inventory"] < 5
    Heartbeat.objects.update(
        heard_at=F("heard_at") - timedelta(hours=1), until=F("until") - timedelta(hours=1)
    )
    assert freshness.behind()["inventory"] >= 3_600


def test_what_is_handled_is_by_the_publisher_s_clock() -> None:
    assert freshness.handled_until("inventory") is None

    ahead = datetime.now(UTC) + timedelta(hours=1)
    freshness.note("a", {"inventory": ahead + timedelta(seconds=9), "shipping": ahead})
    freshness.note("b", {"inventory": ahead})

    assert freshness.handled_until("inventory") == ahead


def test_a_publisher_that_is_silent_for_days_is_still_known_to_be_behind() -> None:
    beat("a", "inventory", 60)
    beat("b", "inventory", 60)
    beat("b", "shipping", 1)
    long_ago = Now() - timedelta(days=3)
    beat("a", "nobody_here", 60)
    Heartbeat.objects.exclude(publisher="shipping").update(heard_at=long_ago, until=long_ago)

    assert freshness.forget_heartbeats() == 1

    assert freshness.behind()["inventory"] > timedelta(days=2).total_seconds()


def test_a_publisher_that_is_not_heard_is_said_on_the_pages() -> None:
    beat("a", "inventory", 5)
    assert behind().state is State.OK

    beat("a", "shipping", 7_260)

    assert behind().state is State.WARN
    assert "nothing of shipping is heard for 2 h" in behind().sentence
    assert "inventory" not in behind().sentence


def test_a_publisher_s_clock_that_is_ahead_makes_none_fresher_than_when_it_was_heard() -> None:
    beat("a", "inventory", -60)
    assert freshness.behind()["inventory"] < 30

    Heartbeat.objects.update(heard_at=Now() - timedelta(seconds=50))
    assert freshness.behind()["inventory"] >= 50


def test_the_task_reads_what_came(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeats, "close_old_connections", lambda: None)
    said = datetime.now(UTC) - timedelta(seconds=5)
    messages = [
        ("order.from.inventory", "inventory", said.isoformat().encode(), 0.0),
        ("order.from.shipping", "shipping", b"\xffno time", 0.0),
    ]

    note_heartbeats.apply(args=[messages, False])

    [found] = Heartbeat.objects.all()
    assert (found.publisher, found.until) == ("inventory", said)


@pytest.mark.parametrize(
    "odd", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "now", "\xff", ""]
)
def test_one_publisher_s_nonsense_takes_no_other_s_heartbeat_away(
    odd: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeats, "close_old_connections", lambda: None)
    messages = [
        ("order.from.shipping", "shipping", odd.encode(), 0.0),
        ("order.from.inventory", "inventory", datetime.now(UTC).isoformat().encode(), 0.0),
    ]

    note_heartbeats.apply(args=[messages, False])

    assert list(freshness.behind()) == ["inventory"]


@pytest.mark.parametrize(
    ("seconds", "told"), [(0.04, "40 ms"), (12.4, "12.4 s"), (180, "3 min"), (7300, "2 h")]
)
def test_it_is_told_in_a_persons_units(seconds: float, told: str) -> None:
    assert freshness.told(seconds) == f"at most {told} behind"


def test_an_answer_says_it() -> None:
    from order_service.models import Product

    filled("inventory.product")
    beat("a", "inventory", 3)
    api.forget()

    assert "; at most 5.0 s behind" in api.replicas_header([Product])
