"""A queue that the broker does not let us read: it keeps us from no other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from functools import partial

import pytest
from kombu.connection import Connection

from polder.broker.declared import rights
from polder.consumer import subscription as module
from polder.consumer.prefetch import Prefetch
from polder.consumer.subscription import Subscription
from polder.seams.amqp import AccessRefused, Message, raw_channel
from polder.testing import eventually
from tests.library.broker import QUEUE, connected, declare_all, management, order

__all__ = ["order"]

OTHER = "order.from.shipping"


@pytest.fixture(autouse=True)
def nothing_is_refused() -> Iterator[None]:
    yield
    module._refused.clear()


def begun(order: Connection, came: list[str]) -> Subscription:
    """As the event consumer of a new connection does."""
    subscription = Subscription(
        raw_channel(order.connection),
        [QUEUE, OTHER],
        Prefetch(2, 1),
        lambda queue, message: came.append(queue),
    )
    subscription.begin()
    return subscription


def send(user: str) -> None:
    with connected(user) as owner:
        owner.channel().basic_publish_confirm(
            Message(b"{}"), f"{user}.events", "test", mandatory=True
        )


def may_read(pattern: str) -> None:
    api = management()
    changed = rights("order")._asdict() | {"read": pattern}
    api.call("PUT", "permissions", api.vhost, "order", body=changed)


def test_one_that_may_not_be_read_keeps_us_from_no_other(
    order: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    came: list[str] = []

    def have_come(*queues: str) -> bool:
        with suppress(TimeoutError):
            order.drain_events(timeout=0.2)
        return set(came) == set(queues)

    # Given a right that somebody has taken away
    may_read(f"^{OTHER}$")
    with pytest.raises(AccessRefused):
        begun(order, came)

    # When the next connection begins
    subscription = begun(order, came)
    send("shipping")

    # Then it reads the others, and says so
    eventually(partial(have_come, OTHER))
    subscription.look_for_missing()
    assert f"no queue {QUEUE} that can be read" in caplog.text

    # And it reads this one when it may
    declare_all()
    send("inventory")

    def reads_both() -> bool:
        subscription.look_for_missing()
        return len(subscription._tags) == 2

    eventually(reads_both)
    eventually(partial(have_come, QUEUE, OTHER))
