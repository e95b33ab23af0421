"""Messages with properties that py-amqp cannot read: whoever may publish may send them, and the
broker delivers them as they are."""

from __future__ import annotations

from struct import pack
from typing import Any

import pytest
from kombu.connection import Connection

from polder.broker import names
from polder.broker.raw_message import body_of, first_queue
from polder.seams.amqp import Message, lacks, raw_channel
from polder.testing import eventually
from tests.library.broker import QUEUE, connected, order

__all__ = ["order"]

BODY = b'{"healthy": true}'


class Raw(Message):
    """With property flags and properties as its publisher wrote them."""

    raw = b""

    def _serialize_properties(self) -> bytes:
        return self.raw


def short(text: bytes) -> bytes:
    return pack("B", len(text)) + text


def table(*items: bytes) -> bytes:
    return pack(">I", len(b"".join(items))) + b"".join(items)


def item(kind: bytes, value: bytes, key: bytes = b"key") -> bytes:
    return short(key) + kind + value


def nested(depth: int) -> bytes:
    inner = table()
    for _ in range(depth):
        inner = table(item(b"F", inner))
    return inner


def headers(*items: bytes) -> bytes:
    return pack(">H", 0x2000) + table(*items)


ODD: dict[str, bytes] = {
    "a time in milliseconds": headers(item(b"T", pack(">Q", 1_764_172_800_000))),
    "the last time there is": headers(item(b"T", pack(">Q", 2**64 - 1))),
    "a short integer": headers(item(b"s", pack(">h", 5)), item(b"s", pack(">h", -300), b"other")),
    "a text in Latin-1": headers(item(b"S", pack(">I", 4) + b"caf\xe9")),
    "a name in Latin-1": headers(item(b"t", b"\x01", b"caf\xe9")),
    "a decimal": headers(item(b"D", pack(">Bi", 255, 1))),
    "nested in a table": headers(
        item(b"F", table(item(b"A", table(b"T" + pack(">Q", 2**63)), b"inner")))
    ),
    "tables in tables without end": headers(item(b"F", nested(2_000))),
    "a type in Latin-1": pack(">H", 0x0020) + short(b"caf\xe9"),
    "a content type in Latin-1": pack(">H", 0x8000) + short(b"caf\xe9"),
    "a correlation id of bytes": pack(">H", 0x0400) + short(bytes(range(128, 144))),
    "an id and a time": pack(">H", 0x00C0) + short(b"\xff") + pack(">Q", 2**64 - 1),
}


def send(raw: bytes) -> None:
    with connected("inventory") as inventory:
        message = Raw(BODY)
        message.raw = raw
        inventory.channel().basic_publish_confirm(
            message, names.event_exchange("inventory"), "test", mandatory=True
        )


def received(connection: Connection, queue: str) -> tuple[Any, Any]:
    """The channel, and its first message."""
    channel, came = raw_channel(connection), []
    channel.basic_consume(queue, consumer_tag="test", callback=came.append)

    def look() -> Any:
        if not came:
            connection.drain_events(timeout=5)
        return came

    return channel, eventually(look)[0]


def test_asking_what_is_not_there_keeps_no_channel(order: Connection) -> None:
    before = len(order.connection.channels)

    for kind in ("queue", "exchange"):
        assert lacks(order.connection, kind, "nothing.of.that.name") == "is missing"

    assert len(order.connection.channels) == before
    assert not lacks(order.connection, "queue", QUEUE)


@pytest.mark.parametrize("raw", ODD.values(), ids=ODD)
def test_it_comes_with_its_body(order: Connection, raw: bytes) -> None:
    send(raw)

    channel, message = received(order, QUEUE)

    assert body_of(message) == BODY
    assert isinstance(message.properties.get("application_headers", {}), dict)
    channel.basic_ack(message.delivery_tag)


@pytest.mark.parametrize("raw", ODD.values(), ids=ODD)
def test_a_dead_letter_says_where_it_lay(order: Connection, raw: bytes) -> None:
    send(raw)
    channel, message = received(order, QUEUE)
    channel.basic_reject(message.delivery_tag, requeue=False)

    _, dead = received(order, names.dead_letter_queue("order"))

    assert body_of(dead) == BODY
    assert first_queue(dead.properties["application_headers"], "nowhere") == QUEUE
    dead.channel.basic_ack(dead.delivery_tag)
