"""Putting messages on the wire as nobody should: again, out of order, or broken."""

from __future__ import annotations

from collections.abc import Iterable

from kombu.connection import Connection

CONTENT_TYPE = "application/cloudevents+json"


def send(amqp_url: str, exchange: str, bodies: Iterable[bytes], *, content_type: str | None = CONTENT_TYPE) -> int:
    """Publishes each body, waiting for each confirm; how many. Raises what the broker raises."""
    sent = 0
    with Connection(amqp_url, transport_options={"confirm_publish": True}) as connection:
        producer = connection.Producer()
        for body in bodies:
            producer.publish(
                body, exchange=exchange, routing_key="test", content_type=content_type, content_encoding="binary", delivery_mode=2, timeout=10
            )
            sent += 1
    return sent
