"""The wire: what waits in queues, and putting messages on it as nobody should: again, out of order,
or broken; many at a time."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from amqp.basic_message import Message

from tests.blackbox.broker import broker_connection

CONTENT_TYPE = "application/cloudevents+json"
WINDOW = 500  # messages under way; the broker is waited for after each window


def send(
    amqp_url: str,
    exchange: str,
    bodies: Iterable[bytes],
    *,
    content_type: str | None = CONTENT_TYPE,
) -> int:
    """Publishes each body; how many were confirmed, which is all. Raises what the broker raises."""
    properties = {"content_type": content_type} if content_type is not None else {}
    return send_messages(
        amqp_url, exchange, "", (Message(body, delivery_mode=2, **properties) for body in bodies)
    )


def send_messages(
    amqp_url: str, exchange: str, routing_key: str, messages: Iterable[Message]
) -> int:
    """The same for messages with properties of their own. The exchange "" takes them straight into
    the queue called `routing_key`."""
    stream = iter(messages)
    sent = 0
    with broker_connection(amqp_url, 5) as connection:
        channel = connection.channel()
        channel.confirm_select()
        unconfirmed = _Unconfirmed()
        channel.events["basic_ack"].add(unconfirmed)
        while window := list(islice(stream, WINDOW)):
            unconfirmed.tags = set(range(sent + 1, sent + 1 + len(window)))
            for message in window:
                channel._basic_publish(message, exchange=exchange, routing_key=routing_key)
            sent += len(window)
            while unconfirmed.tags:
                connection.drain_events(timeout=60)
    return sent


def waiting_in(amqp_url: str, queues: Iterable[str]) -> dict[str, int]:
    """How many messages each queue would give out now. Raises what the broker raises for a queue
    that it does not have."""
    with broker_connection(amqp_url, 5) as connection:
        channel = connection.channel()
        return {
            queue: int(channel.queue_declare(queue, passive=True).message_count) for queue in queues
        }


class _Unconfirmed:
    """The delivery tags that the broker has not confirmed; RabbitMQ counts them from 1."""

    def __init__(self) -> None:
        self.tags: set[int] = set()

    def __call__(self, tag: int, multiple: bool) -> None:
        self.tags = (
            {waiting for waiting in self.tags if waiting > tag} if multiple else self.tags - {tag}
        )
