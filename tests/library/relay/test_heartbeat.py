"""The relay's heartbeat: behind the events, in the queues that are bound for it, and true."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from kombu.connection import Connection
from uuid_utils.compat import uuid7

from polder.broker.names import HEARTBEATS
from polder.broker.raw_message import body_of
from polder.database.partitioning import moment_of
from polder.outbox import heartbeat, relay
from polder.outbox.models import OutboxEvent
from polder.outbox.reader import OutboxReader
from polder.testing import eventually
from polder.testing.database import other_connection
from tests.library.broker import Auditor, connected, declare_all, management
from tests.library.relay.running import (
    commit,
    everything_is_published,
    insert_row,
    orders,
    running,
)
from tests.makers import order_event

QUEUE = "inventory.from.order"


@pytest.fixture
def deploy() -> Iterator[Connection]:
    with connected("deploy") as connection:
        yield connection


def test_it_comes_behind_what_was_published(
    monkeypatch: pytest.MonkeyPatch, deploy: Connection, committed: None
) -> None:
    monkeypatch.setattr(heartbeat, "EVERY", 0.2)
    management().call("DELETE", "queues", management().vhost, QUEUE, "contents")
    sent, committed_at = commit(*orders(3)), datetime.now(UTC)
    channel = deploy.channel()
    ids: list[str] = []
    beats: dict[int, datetime] = {}  # by how many events were ahead

    def told_of_all() -> bool:
        while (message := channel.basic_get(QUEUE, no_ack=True)) is not None:
            if message.delivery_info["exchange"] == "order.direct":
                beats[len(ids)] = datetime.fromisoformat(body_of(message).decode())
            else:
                ids.append(message.properties["message_id"])
        return beats.get(len(sent), committed_at) > committed_at

    with running():
        eventually(told_of_all)

    assert ids == sent
    assert all(until <= committed_at for ahead, until in beats.items() if ahead < len(sent))


def test_what_is_not_published_bounds_what_it_says(committed: None) -> None:
    with other_connection() as mine:
        before = datetime.now(UTC)
        assert OutboxReader(mine).published_until() >= before - timedelta(seconds=1)

        [key, *_] = commit(*orders(2))
        oldest = OutboxEvent.objects.get(pk=key)
        made = min(oldest.created_at, moment_of(oldest.pk))
        assert OutboxReader(mine).published_until() == made

        OutboxEvent.objects.filter(pk=key).update(held_at=datetime.now(UTC))
        assert OutboxReader(mine).published_until() == made

        OutboxEvent.objects.update(published_at=datetime.now(UTC), held_at=None)
        assert OutboxReader(mine).published_until() > before


@pytest.mark.parametrize("held", [False, True])
def test_a_host_whose_clock_is_ahead_changes_nothing_about_it(committed: None, held: bool) -> None:
    """Ids are by the clock of whoever publishes."""
    ahead = UUID(int=uuid7().int + (3_600_000 << 80))
    commit(order_event().model_copy(update={"id": ahead}))
    with other_connection() as mine:
        made = OutboxEvent.objects.get().created_at
        OutboxEvent.objects.filter(pk=ahead).update(held_at=datetime.now(UTC) if held else None)

        assert OutboxReader(mine).published_until() == made


def test_what_others_have_not_committed_yet_is_nobodys_lag(committed: None) -> None:
    with other_connection() as mine, other_connection() as other:
        other.autocommit = False
        insert_row(other)
        assert OutboxReader(mine).published_until() > datetime.now(UTC) - timedelta(seconds=5)
        other.rollback()


def test_nobody_has_to_listen(
    monkeypatch: pytest.MonkeyPatch, deploy: Connection, auditor: Auditor
) -> None:
    """As with a subscriber whose code is older: its queue is not bound, and gets none."""
    monkeypatch.setattr(heartbeat, "EVERY", 0.05)
    channel = deploy.channel()
    for subscriber in ("inventory", "shipping"):
        channel.queue_unbind(f"{subscriber}.from.order", "order.direct", HEARTBEATS)
    try:
        with running():
            for _ in range(5):
                commit(*orders(1))
                eventually(everything_is_published)
    finally:
        for subscriber in ("inventory", "shipping"):
            channel.queue_bind(f"{subscriber}.from.order", "order.direct", HEARTBEATS)


def test_one_that_is_refused_stops_no_event(
    monkeypatch: pytest.MonkeyPatch, auditor: Auditor, caplog: pytest.LogCaptureFixture
) -> None:
    """As when somebody has deleted its exchange, or the user's rights are of before."""
    monkeypatch.setattr(heartbeat, "EVERY", 0.0)
    monkeypatch.setattr(relay, "REFUSED_WAIT", 3600.0)
    management().call("DELETE", "exchanges", management().vhost, "order.direct")
    try:
        with running():
            for _ in range(3):
                commit(*orders(1))
                eventually(everything_is_published)
            eventually(lambda: "no exchange 'order.direct'" in caplog.text)
    finally:
        declare_all()
