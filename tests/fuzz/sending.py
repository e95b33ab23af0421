"""Mutants onto the wire, many at a time."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from amqp.basic_message import Message
from kombu.connection import Connection

from tests.fuzz.mutations import Mutant

WINDOW = 500  # messages under way; the broker is waited for after each window


def send_mutants(amqp_url: str, queue: str, mutants: Iterable[Mutant], count: int) -> int:
    """Straight into the queue, by the default exchange; returns how many were confirmed, which is all. Raises what the broker raises."""
    stream = islice(mutants, count)
    sent = 0
    with Connection(amqp_url, connect_timeout=5) as connection:
        channel = connection.channel()
        channel.confirm_select()
        unconfirmed = _Unconfirmed()
        channel.events["basic_ack"].add(unconfirmed)
        while window := list(islice(stream, WINDOW)):
            unconfirmed.tags = set(range(sent + 1, sent + 1 + len(window)))
            for mutant in window:
                properties = {"content_type": mutant.content_type} if mutant.content_type is not None else {}
                message = Message(mutant.body, application_headers=mutant.headers, delivery_mode=2, **properties)
                channel._basic_publish(message, exchange="", routing_key=queue)
            sent += len(window)
            while unconfirmed.tags:
                connection.drain_events(timeout=60)
    return sent


class _Unconfirmed:
    """The delivery tags that the broker has not confirmed; RabbitMQ counts them from 1."""

    def __init__(self) -> None:
        self.tags: set[int] = set()

    def __call__(self, tag: int, multiple: bool) -> None:
        self.tags = {waiting for waiting in self.tags if waiting > tag} if multiple else self.tags - {tag}
