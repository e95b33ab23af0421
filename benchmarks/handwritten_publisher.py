"""The relay's rival: the least code that publishes an outbox as fast as psycopg and py-amqp can,
losing nothing.

Windows overlap: while the broker confirms one, the next is selected and sent; a window is marked
when all of it is confirmed. A row counts as unpublished until then, so the select reads on from the
last position and begins again at the first one when it has come to the end. No leader's lock, no
held rows, no reconnecting: any error ends it.
"""

from __future__ import annotations

import os
import sys
import time
from collections import deque
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

import amqp
import psycopg
from amqp.method_framing import frame_writer
from amqp.spec import Basic

SERVICE = sys.argv[1] if __name__ == "__main__" and len(sys.argv) > 1 else "order"
EXCHANGE = f"{SERVICE}.events"
WINDOW = 500
WINDOWS = 2  # under way at once
NAP = float(os.environ.get("NAP", "0.005"))  # seconds between two looks at an empty outbox

_SELECT = """
SELECT id::text, type, convert_to(body, 'UTF8'), position FROM polder_outbox
WHERE published_at IS NULL AND held_at IS NULL AND position > %s ORDER BY position LIMIT %s
"""
_MARK = (
    "UPDATE polder_outbox SET published_at = now() WHERE id = ANY(%s::uuid[]) AND id BETWEEN %s "
    "AND %s"
)


class Window(NamedTuple):
    last_tag: int
    ids: list[str]


class Publisher:
    def __init__(self, url: str) -> None:
        self.connection = connect(url)
        self.channel = self.connection.channel()
        self.channel.confirm_select()
        self.channel.events["basic_ack"].add(self._on_ack)
        self.channel.events["basic_nack"].add(_refused)
        self.channel.events["basic_return"].add(_refused)
        self.tag = 0
        self.unconfirmed: dict[int, None] = {}

    def send(self, rows: list[tuple[Any, ...]]) -> Window:
        send, message = self.channel.send_method, amqp.Message
        for key, kind, body, _ in rows:
            self.tag += 1
            self.unconfirmed[self.tag] = None
            properties = {
                "content_type": "application/cloudevents+json",
                "delivery_mode": 2,
                "message_id": key,
                "type": kind,
            }
            send(
                Basic.Publish,
                "Bssbb",
                (0, EXCHANGE, kind, True, False),
                message(body, **properties),
            )
        self.connection.flush()
        return Window(self.tag, [row[0] for row in rows])

    def wait_for(self, window: Window) -> None:
        while self.unconfirmed and next(iter(self.unconfirmed)) <= window.last_tag:
            self.connection.drain_events(timeout=15)

    def _on_ack(self, tag: int, multiple: bool) -> None:
        if not multiple:
            self.unconfirmed.pop(tag, None)
            return
        for waiting in list(self.unconfirmed):
            if waiting > tag:
                break
            del self.unconfirmed[waiting]


class Buffered(amqp.Connection):
    """Frames gather here and go out with one system call for a whole window, not one for each
    message."""

    def connect(self, *args: Any, **options: Any) -> None:
        super().connect(*args, **options)
        self._frames = bytearray()
        self._send = self.transport.write
        self.transport.write = self._frames.extend
        self.frame_writer = frame_writer(self, self.transport)

    def flush(self) -> None:
        self._send(bytes(self._frames))
        self._frames.clear()

    def drain_events(self, timeout: float | None = None) -> Any:
        if self.__dict__.get("_frames"):
            self.flush()
        return super().drain_events(timeout)


def connect(url: str) -> Buffered:
    parts = urlsplit(url)
    connection = Buffered(
        f"{parts.hostname}:{parts.port}",
        userid=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        virtual_host=parts.path.removeprefix("/"),
    )
    connection.connect()
    return connection


def _refused(*args: object) -> None:
    raise SystemExit(f"the broker refused a message: {args}")


def publish_for_ever(database: psycopg.Connection, publisher: Publisher) -> None:
    position = 0
    under_way: deque[Window] = deque()
    cursor = database.cursor(binary=True)
    while True:
        rows = cursor.execute(_SELECT, [position, WINDOW]).fetchall()
        if rows:
            position = rows[-1][3]
            under_way.append(publisher.send(rows))
        while under_way and (len(under_way) >= WINDOWS or not rows):
            window = under_way.popleft()
            publisher.wait_for(window)
            cursor.execute(_MARK, [window.ids, min(window.ids), max(window.ids)])
        if not rows:
            position = 0
            time.sleep(NAP)


if __name__ == "__main__":
    with psycopg.connect(
        os.environ[f"{SERVICE.upper()}_DATABASE_URL"], autocommit=True, prepare_threshold=1
    ) as database:
        publish_for_ever(database, Publisher(os.environ[f"{SERVICE.upper()}_AMQP_URL"]))
