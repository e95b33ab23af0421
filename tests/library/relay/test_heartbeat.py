"""The relay's heartbeat: behind the events, in the queues that are bound for it, and true."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from kombu.connection import Connection

from polder.broker.names import HEARTBEATS
from polder.broker.raw_message import body_of
from polder.database.partitioning import moment_of
from polder.outbox import heartbeat
from polder.outbox.models import OutboxEvent
from polder.outbox.reader import OutboxReader
from polder.testing import eventually
from polder.testing.database import other_connection
from tests.library.broker import Auditor, connected, management
from tests.library.relay.running import (
    commit,
    everything_is_published,
    insert_row,
    orders,
    running,
)

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
        assert OutboxReader(mine).published_until() == moment_of(OutboxEvent.objects.get(pk=key).pk)

        OutboxEvent.objects.filter(pk=key).update(held_at=datetime.now(UTC))
        assert OutboxReader(mine).published_until() == moment_of(OutboxEvent.objects.get(pk=key).pk)

        OutboxEvent.objects.update(published_at=datetime.now(UTC), held_at=None)
        assert OutboxReader(mine).published_until() > before


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
