"""The channel, the timer and the pool, played by the test."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from amqp.exceptions import NotFound

from polder.consumer import acks as acks_module
from polder.consumer import dispatch_timer as timer_module
from polder.consumer import event_consumer as module
from polder.consumer import heartbeats as heartbeats_module
from polder.consumer import timeouts as timeouts_module
from polder.consumer.batch import LINGER
from polder.consumer.event_consumer import EventConsumer
from polder.consumer.heartbeats import TASK
from tests.library.test_acks import Broker


class Channel(Broker):
    def __init__(self) -> None:
        super().__init__()
        self.connection: object = self
        self.missing: list[str] = []  # queues that nobody has declared
        self.on_cancel: dict[str, Callable[[str], None]] = {}
        self.callbacks: dict[str, Callable[[Any], None]] = {}
        self.tag_of: dict[str, str] = {}
        self.prefetch = 0
        self.closed = False
        self.backlog: dict[str, object] = {}  # a message in each queue, there from the beginning

    def basic_qos(self, size: int, count: int, a_global: bool) -> None:
        assert not a_global, "quorum queues know no global prefetch"
        self.prefetch = count

    def channel(self) -> object:
        """Another one of the same connection."""
        return SimpleNamespace(queue_declare=self.look_for, close=lambda: None)

    def look_for(self, queue: str, passive: bool) -> None:
        if queue in self.missing:
            raise NotFound

    def delete_queue(self, queue: str) -> None:
        self.missing.append(queue)
        self.on_cancel.pop(queue)(self.tag_of.pop(queue))

    def basic_consume(
        self,
        queue: str,
        consumer_tag: str,
        callback: Callable[[Any], None],
        on_cancel: Callable[[str], None],
    ) -> str:
        assert queue not in self.missing
        self.callbacks[consumer_tag] = callback
        self.on_cancel[queue] = on_cancel
        self.tag_of[queue] = consumer_tag
        if queue in self.backlog:
            callback(self.backlog.pop(queue))
        return consumer_tag

    def basic_cancel(self, tag: str) -> None:
        del self.callbacks[tag]
        self.tag_of = {queue: other for queue, other in self.tag_of.items() if other != tag}

    def deliver(self, queue: str, message: object) -> None:
        self.callbacks[self.tag_of[queue]](message)

    def close(self) -> None:
        self.closed = True


class Timer:
    """Calls nothing by itself."""

    def __init__(self) -> None:
        self.due: list[tuple[float, Callable[[], None]]] = []
        self.repeated: list[Callable[[], None]] = []

    def call_after(self, seconds: float, function: Callable[[], None]) -> object:
        self.due.append((seconds, function))
        return function

    def call_repeatedly(self, seconds: float, function: Callable[[], None]) -> object:
        self.repeated.append(function)
        return SimpleNamespace(cancel=lambda: None)


class Worker:
    """The order service's event consumer with one pool process. The test moves the clock."""

    def __init__(
        self,
        monkeypatch: pytest.MonkeyPatch,
        *,
        backlog: bool = False,
        publishers: Sequence[str] = ("inventory",),
        missing: Sequence[str] = (),
    ) -> None:
        self.now = 1_000.0
        self.tag = 0
        self.channel, self.timer = Channel(), Timer()
        self.channel.missing += missing
        self.running: list[Any] = []
        if backlog:
            self.channel.unacked.append(1)
            self.channel.backlog["order.from.inventory"] = _message(1)
        consumer = SimpleNamespace(
            connection=SimpleNamespace(channel=lambda: self.channel),
            conninfo=SimpleNamespace(connection_errors=(OSError,), channel_errors=()),
            timer=self.timer,
            pool=SimpleNamespace(num_processes=1),
            app=SimpleNamespace(tasks={TASK: TASK}),
        )
        for each in (module, heartbeats_module):
            monkeypatch.setattr(each, "request_class", lambda consumer, task: None)
            monkeypatch.setattr(each, "hand_to_pool", self.run)
        clock = SimpleNamespace(monotonic=lambda: self.now, time=lambda: self.now)
        for each in (module, acks_module, timeouts_module, timer_module):
            monkeypatch.setattr(each, "time", clock)
        self.renewed = 0
        self.event_consumer = EventConsumer(consumer, None, "order", publishers, renew=self.renew)

    def run(self, kind: object, consumer: object, task: object, batch: object, to: object) -> None:
        self.running.append(SimpleNamespace(task=task, batch=batch, listener=to))

    def renew(self) -> None:
        self.renewed += 1

    def receive(
        self,
        number: int = 1,
        queue: str = "order.from.inventory",
        body: bytes = b"{}",
        exchange: str = "inventory.events",
        **headers: Any,
    ) -> None:
        for _ in range(number):
            self.tag += 1
            self.channel.unacked.append(self.tag)
            self.channel.deliver(queue, _message(self.tag, body, headers, exchange))

    def wait(self, later: float = 2 * LINGER) -> None:
        """Time passes, and what the timer has is called."""
        self.now += later
        due, self.timer.due = self.timer.due, []
        for _, function in due:
            function()

    def end(self, error: BaseException | None = None) -> list[int]:
        """The pool's only batch ends; its tags."""
        request = self.running.pop()
        if error is None:
            self.event_consumer.succeeded(request.batch)
        else:
            self.event_consumer.failed(request.batch, error)
        return list(request.batch.tags)


def _message(
    tag: int,
    body: bytes = b"{}",
    headers: dict[str, Any] | None = None,
    exchange: str = "inventory.events",
) -> object:
    properties = {"type": "StockChanged", "application_headers": headers or {}}
    about = {"delivery_tag": tag, "exchange": exchange}
    return SimpleNamespace(delivery_info=about, properties=properties, body=body)
