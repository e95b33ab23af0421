"""Of py-amqp and kombu."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from amqp.basic_message import Message
from amqp.exceptions import AccessRefused, NotFound, ResourceLocked
from amqp.method_framing import frame_writer
from amqp.serialization import dumps
from amqp.spec import Basic
from kombu.transport import TRANSPORT_ALIASES, pyamqp
from kombu.transport.pyamqp import SSLTransport

from polder.seams import properties

__all__ = ["AccessRefused", "Message", "SSLTransport"]

properties.take_any()


class KnowingChannel(pyamqp.Channel):
    """The channel of every connection, Celery's own too. It knows a consumer's tag beforehand:
    messages may come before the broker's answer, and py-amqp would give back those of a tag that
    it does not know, with a warning, which counts as a delivery each time."""

    def basic_consume(
        self, queue: str = "", consumer_tag: str = "", *, callback: Any = None, **options: Any
    ) -> Any:
        if consumer_tag and callback:
            self.callbacks[consumer_tag] = callback
        return super().basic_consume(queue, consumer_tag, callback=callback, **options)


pyamqp.Connection.Channel = KnowingChannel


def raw_channel(connection: Any) -> Any:
    """Its messages are bytes, whatever encoding they claim."""
    channel = connection.channel()
    channel.auto_decode = False
    return channel


def is_open(channel: Any) -> bool:
    return channel.connection is not None


def lacks(connection: Any, kind: str, name: str) -> str:
    """What keeps us from using this "queue" or "exchange", or nothing. Asked by a channel of its
    own: the broker closes it where there is none, and py-amqp has opened it again before it tells.
    """
    channel = connection.channel()
    try:
        if kind == "queue":
            channel.queue_declare(name, passive=True)
        else:
            channel.exchange_declare(name, "", passive=True)
    except NotFound:
        return "is missing"
    except ResourceLocked:
        return "belongs to another connection alone (exclusive)"
    finally:
        channel.close()
    return ""


def refuses_reader(connection: Any, queue: str) -> bool:
    """Whether this queue may not be read: another consumer has it alone, or the right is missing.
    Asked by a channel of its own, which the broker closes then. Else a message of it may have come,
    and goes back, which counts as a delivery."""
    channel = connection.channel()
    try:
        channel.basic_qos(0, 1, False)
        channel.basic_consume(queue, consumer_tag="is it free", callback=lambda _: None)
    except AccessRefused:
        return True
    finally:
        channel.close()
    return False


def read_through(connection: Any, reader: Callable[[Callable[[int], bytes]], Any]) -> None:
    """Makes an open connection read by `reader(recv)`, and handle at each wake-up all frames that
    it has."""
    transport, read_one = connection.transport, connection.blocking_read
    reading = transport._quick_recv = reader(transport._quick_recv)

    def read(timeout: float | None = None) -> Any:
        answered = read_one(timeout)
        while reading.has_frame() and connection.connected:
            answered = connection.on_inbound_frame(transport.read_frame()) or answered
        return answered

    connection.blocking_read = read


class PublishFrames:
    """The frames of many messages, written by py-amqp into `gathered` instead of to the socket."""

    def __init__(self, channel: Any) -> None:
        self.gathered = bytearray()
        self.write = self.gathered.extend  # what frame_writer takes a transport for
        self._channel = channel
        self._write_frames = frame_writer(channel.connection, self)

    def add(self, exchange: str, routing_key: str, message: Message) -> None:
        """Mandatory, so that what no queue takes comes back."""
        arguments = _publish_arguments(exchange, routing_key)
        self._write_frames(1, self._channel.channel_id, Basic.Publish, arguments, message)

    def flush(self) -> None:
        """One call of the socket for all of them."""
        self._channel.connection.transport.write(bytes(self.gathered))
        self.gathered.clear()


@lru_cache(1024)
def _publish_arguments(exchange: str, routing_key: str) -> bytes:
    return bytes(dumps("Bssbb", (0, exchange, routing_key, True, False)))


# kombu


def use_transport(scheme: str, transport: type[SSLTransport]) -> None:
    """Whatever connects by a URL of that scheme, connects by this transport."""
    TRANSPORT_ALIASES[scheme] = f"{transport.__module__}:{transport.__name__}"
