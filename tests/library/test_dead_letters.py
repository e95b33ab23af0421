"""A dead letter as RabbitMQ really makes it: its headers tell the queue that it came from, whatever
its publisher has claimed."""

from __future__ import annotations

from typing import Any

import pytest
from amqp.basic_message import Message
from kombu.connection import Connection

from polder.broker import names
from polder.broker.raw_message import first_queue
from polder.testing import eventually
from tests.library.broker import QUEUE, connected, order

__all__ = ["order"]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-first-death-queue": "forged"},
        {"x-death": [{"queue": "forged", "reason": "x", "exchange": ""}]},
    ],
)
def test_its_first_queue_is_the_brokers_word(order: Connection, headers: dict[str, Any]) -> None:
    # Given a message that its consumer rejects
    with connected("inventory") as inventory:
        sent = Message(b"{}", application_headers=headers, content_encoding="binary")
        inventory.channel().basic_publish_confirm(
            sent, names.event_exchange("inventory"), "test", mandatory=True
        )
    channel = order.channel()
    message = eventually(lambda: channel.basic_get(QUEUE))
    channel.basic_reject(message.delivery_tag, requeue=False)

    # When it has become a dead letter
    dead = eventually(lambda: channel.basic_get(names.dead_letter_queue("order")))

    # Then
    assert first_queue(dead.properties["application_headers"], "nowhere") == QUEUE
    channel.basic_ack(dead.delivery_tag)
