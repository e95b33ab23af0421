"""The event consumer of one connection. The test plays the channel, the timer and the pool."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from billiard.exceptions import WorkerLostError

from polder.consumer import acks as acks_module
from polder.consumer import dispatch_timer as timer_module
from polder.consumer import event_consumer as module
from polder.consumer import prefetch as prefetch_module
from polder.consumer.batch import LINGER
from polder.consumer.event_consumer import EventConsumer
from polder.consumer.transitions import Mode
from polder.faults import Fault
from polder.inbox.failures import ConsumerHalted, HeldBack, TransientFailure
from tests.library.test_acks import Broker


class Channel(Broker):
    def __init__(self) -> None:
        super().__init__()
        self.connection: object = object()
        self.callbacks: dict[str, Callable[[Any], None]] = {}
        self.tag_of: dict[str, str] = {}
        self.prefetch = 0
        self.closed = False
        self.backlog: dict[str, object] = {}  # a message in each queue, there from the beginning

    def basic_qos(self, size: int, count: int, a_global: bool) -> None:
        assert not a_global, "quorum queues know no global prefetch"
        self.prefetch = count

    def basic_consume(self, queue: str, consumer_tag: str, callback: Callable[[Any], None]) -> str:
        assert self.callbacks[consumer_tag] is callback, "messages may come before the answer"
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

    def call_after(self, seconds: float, function: Callable[[], None]) -> object:
        self.due.append((seconds, function))
        return function

    def call_repeatedly(self, seconds: float, function: Callable[[], None]) -> object:
        return SimpleNamespace(cancel=lambda: None)


class Worker:
    """The order service's event consumer with one pool process. The test moves the clock."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, backlog: bool = False) -> None:
        self.now = 1_000.0
        self.tag = 0
        self.channel, self.timer = Channel(), Timer()
        self.running: list[Any] = []
        if backlog:
            self.channel.unacked.append(1)
            self.channel.backlog["order.from.inventory"] = _message(1)
        consumer = SimpleNamespace(
            connection=SimpleNamespace(channel=lambda: self.channel),
            conninfo=SimpleNamespace(connection_errors=(OSError,), channel_errors=()),
            timer=self.timer,
            pool=SimpleNamespace(num_processes=1),
        )
        monkeypatch.setattr(module, "request_class", lambda consumer, task: SimpleNamespace)
        monkeypatch.setattr(
            module, "build_request", lambda kind, consumer, task, batch: SimpleNamespace()
        )
        monkeypatch.setattr(
            module, "give_to_pool", lambda consumer, request: self.running.append(request)
        )
        clock = SimpleNamespace(monotonic=lambda: self.now, time=lambda: self.now)
        for each in (module, acks_module, timer_module):
            monkeypatch.setattr(each, "time", clock)
        self.renewed = 0
        self.event_consumer = EventConsumer(
            consumer, None, "order", ["inventory"], renew=self.renew
        )

    def renew(self) -> None:
        self.renewed += 1

    def receive(
        self,
        number: int = 1,
        queue: str = "order.from.inventory",
        body: bytes = b"{}",
        **headers: Any,
    ) -> None:
        for _ in range(number):
            self.tag += 1
            self.channel.unacked.append(self.tag)
            self.channel.deliver(queue, _message(self.tag, body, headers))

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


def _message(tag: int, body: bytes = b"{}", headers: dict[str, Any] | None = None) -> object:
    properties = {"type": "StockChanged", "application_headers": headers or {}}
    return SimpleNamespace(delivery_info={"delivery_tag": tag}, properties=properties, body=body)


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> Worker:
    return Worker(monkeypatch)


def test_it_reads_its_queues_and_what_is_dead(worker: Worker) -> None:
    assert set(worker.channel.tag_of) == {
        "order.from.inventory",
        "order.dead",
    }
    assert worker.channel.prefetch == prefetch_module.FIRST


def test_what_waits_comes_while_it_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    worker = Worker(monkeypatch, backlog=True)

    worker.wait()

    assert [request.batch.tags for request in worker.running] == [[1]]


def test_handed_over_by_the_timer_and_acked_by_the_result(worker: Worker) -> None:
    worker.receive(3)
    assert worker.running == []

    worker.wait()
    assert [request.batch.tags for request in worker.running] == [[1, 2, 3]]
    assert worker.channel.unacked == [1, 2, 3]

    worker.end()
    worker.wait()
    assert worker.channel.unacked == []


def test_while_the_pool_is_busy_they_go_on_filling(worker: Worker) -> None:
    worker.receive()
    worker.wait()
    worker.receive(4)
    worker.wait()
    assert len(worker.running) == 1

    worker.end()
    worker.wait()

    assert [request.batch.tags for request in worker.running] == [[2, 3, 4, 5]]


def test_a_failed_batch_goes_again_and_is_not_acked(worker: Worker) -> None:
    # Given
    worker.receive(2)
    worker.wait()

    # When
    worker.end(TransientFailure("the database is away"))
    worker.wait(0.01)
    assert worker.running == [], "not at once"

    # Then
    worker.wait(0.2)
    assert worker.channel.unacked == [1, 2]
    assert worker.end() == [1, 2]
    worker.wait()
    assert worker.channel.unacked == []


def test_a_halt_probes_with_one_batch_and_takes_no_other(worker: Worker) -> None:
    # Given
    worker.receive(2)
    worker.wait()
    worker.end(ConsumerHalted("no such column"))
    worker.receive(3)

    # When
    worker.wait(0.01)
    assert worker.running == []
    worker.wait(0.2)
    assert worker.end(ConsumerHalted("still")) == [1, 2]
    worker.wait(0.01)
    assert worker.running == []
    worker.wait(10)

    # Then, when it works again, the rest follows
    assert worker.end() == [1, 2]
    worker.wait()
    worker.wait()
    assert worker.end() == [3, 4, 5]
    worker.wait()
    assert worker.channel.unacked == []


def test_what_was_delivered_often_goes_with_the_others_and_on_record(worker: Worker) -> None:
    worker.receive(1, **{"x-delivery-count": 3})
    worker.receive(2)
    worker.wait()

    [request] = worker.running
    assert (request.batch.tags, request.batch.quarantined, request.batch.hints()["watched"]) == (
        [1, 2, 3],
        False,
        True,
    )


def test_what_is_held_back_waits_and_the_rest_is_acked(worker: Worker) -> None:
    # Given
    worker.receive(4)
    worker.wait()

    # When
    worker.end(HeldBack("a row is locked", [1], [2]))
    worker.wait()

    # Then, in pools of their own
    worker.event_consumer.acks.ack_stragglers(patience=0)
    assert worker.channel.unacked == [2, 3]
    worker.wait(1)
    assert worker.end() == [3]
    worker.wait(1)
    assert worker.end() == [2]


def test_what_was_dead_lettered_goes_alone_under_its_first_queue(worker: Worker) -> None:
    worker.receive(1, "order.dead", **{"x-first-death-queue": "order.from.inventory"})
    worker.receive(
        1,
        "order.dead",
        **{"x-death": [{"queue": "order.from.inventory"}], "x-first-death-queue": "forged"},
    )
    worker.receive(1, "order.dead")

    origins = []
    for _ in range(3):
        worker.wait(0)
        (message,) = worker.running[0].batch.messages
        assert worker.running[0].batch.quarantined
        origins.append((message.delivery.queue, message.delivery.publisher))
        worker.end()

    assert origins == [
        ("order.from.inventory", "inventory"),
        ("order.from.inventory", "inventory"),
        ("order.dead", ""),
    ]


def test_the_second_end_of_a_batch_is_ignored(worker: Worker) -> None:
    worker.receive(2)
    worker.wait()
    batch = worker.running[0].batch
    worker.end(WorkerLostError("timed out"))

    worker.event_consumer.succeeded(batch)
    worker.event_consumer.failed(batch, WorkerLostError("lost"))

    worker.wait(1.0)
    assert worker.end() == [1]


def test_a_result_after_the_connection_was_lost_acks_nothing(worker: Worker) -> None:
    worker.receive()
    worker.wait()
    worker.channel.connection = None

    worker.end()
    worker.wait()

    assert worker.channel.frames == []


def test_stopping_takes_nothing_new_and_acks_what_ends(worker: Worker) -> None:
    # Given one batch in the pool, and one message that waits
    worker.receive()
    worker.wait()
    worker.receive()

    # When
    worker.event_consumer.cancel()
    worker.end()
    worker.wait()

    # Then
    assert worker.channel.callbacks == {}
    assert worker.running == []
    assert worker.channel.unacked == [2]
    worker.event_consumer.close()
    assert worker.channel.closed


def test_an_error_in_the_loop_drops_the_connection(worker: Worker) -> None:
    with pytest.raises(ConnectionResetError, match="consumer"):
        worker.channel.deliver(
            "order.from.inventory", SimpleNamespace(delivery_info={}, properties={}, body=b"")
        )


def test_a_batch_without_a_result_goes_again(worker: Worker) -> None:
    # Given a batch in the pool
    worker.receive(4)
    worker.wait()

    # When its time is long over and no result came
    worker.now += module.LONGEST_BATCH + 1
    worker.event_consumer.check_timeouts()
    worker.wait(later=1)

    # Then it counts as lost: half of it is with the pool again, and nothing is acked
    assert [len(request.batch.messages) for request in worker.running] == [4, 2]
    assert worker.channel.unacked == [1, 2, 3, 4]


def test_fresh_messages_do_not_wait_for_a_retry_that_is_far_away(worker: Worker) -> None:
    # Given a message that waits for a lock for so long that it is tried each few seconds
    worker.receive()
    worker.wait()
    for _ in range(8):
        worker.end(HeldBack("locked", [0], []))
        worker.wait(later=11)
    worker.end(HeldBack("locked", [0], []))
    worker.wait(0)

    # When fresh messages come
    worker.receive(2)

    # Then they are with the pool as soon as ever, and the far timer does nothing more
    assert min(seconds for seconds, _ in worker.timer.due) <= 2 * LINGER
    worker.wait()
    assert [len(request.batch.messages) for request in worker.running] == [2]


@pytest.mark.parametrize("forged", ["q" * 200, "inventory.from.order", "order.celery.housekeeping"])
def test_a_forged_first_queue_is_nobodys(worker: Worker, forged: str) -> None:
    worker.receive(1, "order.dead", **{"x-first-death-queue": forged})

    [batch] = worker.event_consumer.dispatch.returned
    assert (batch.messages[0].delivery.queue, batch.messages[0].delivery.publisher) == (
        "order.dead",
        "",
    )
    assert batch.quarantined


def test_the_log_of_an_outage_is_a_line_a_minute(
    worker: Worker, caplog: pytest.LogCaptureFixture
) -> None:
    # When the database is away for eight minutes
    worker.receive(500)
    tries = 0
    until = worker.now + 480
    while worker.now < until:
        worker.wait(0.1)
        if worker.running:
            worker.end(TransientFailure("no database", Fault.AWAY))
            tries += 1
    worker.wait(11)
    worker.end()

    # Then
    lines = [record.getMessage() for record in caplog.records]
    assert 40 < tries < 70
    assert len(lines) <= 10
    assert all("is away" in line for line in lines[:-1])
    assert lines[-1] == "the consumer of order goes on"
    assert not any(record.exc_info for record in caplog.records)


def test_the_channel_is_given_up_before_the_broker_takes_it(worker: Worker) -> None:
    # Given a batch that comes back in vain for 24 minutes, and is with the pool again
    worker.receive(3)
    worker.wait()
    for _ in range(143):
        worker.end(ConsumerHalted("a bug"))
        worker.wait(10)
        worker.event_consumer.check_timeouts()
        assert worker.renewed == 0

    # When
    worker.wait(10)
    worker.event_consumer.check_timeouts()
    assert worker.channel.callbacks == {}, "no more messages"
    assert worker.renewed == 0, "not while a batch is under way"
    worker.end(ConsumerHalted("a bug"))
    worker.wait(1)

    # Then nothing was acked, and another event consumer has begun
    assert worker.renewed == 1
    assert worker.channel.closed
    assert worker.channel.frames == []


def test_a_child_that_says_nothing_does_not_keep_the_channel(worker: Worker) -> None:
    worker.receive(3)
    worker.wait()
    worker.wait(module.CONSUMER_TIMEOUT * module.IN_TIME + 1)
    worker.event_consumer._give_up_channel()

    for _ in range(int(module.CONSUMER_TIMEOUT) // 5):
        worker.wait(1)

    assert worker.renewed == 1


def test_small_messages_make_the_prefetch_grow(worker: Worker) -> None:
    assert worker.channel.prefetch == prefetch_module.FIRST
    before = dict(worker.channel.tag_of)

    worker.receive(prefetch_module.SEEN)
    worker.wait()

    assert worker.channel.prefetch == 1_500
    assert set(worker.channel.tag_of) == set(before)
    assert set(worker.channel.tag_of.values()).isdisjoint(before.values()), (
        "a consumer keeps the prefetch with which it began"
    )


@pytest.mark.parametrize("size", [1_000, 20_000, 256 * 1024])
def test_what_is_here_is_bounded_by_bytes(worker: Worker, size: int) -> None:
    """As the broker does: no more than the prefetch to each consumer, counted anew for a new
    one.
    """
    given: dict[str, int] = {}
    allowed: dict[str, int] = {}
    for _ in range(20_000):
        if (tag := worker.channel.tag_of.get("order.from.inventory")) is None:
            break
        allowed.setdefault(tag, worker.channel.prefetch)
        if given.get(tag, 0) >= allowed[tag]:
            break
        given[tag] = given.get(tag, 0) + 1
        worker.receive(body=b"x" * size)
        if worker.timer.due:
            worker.wait(0)
        worker.event_consumer._fit_prefetch()

    assert worker.event_consumer.subscription.prefetch.bytes <= prefetch_module.BUFFER_BYTES * 1.1
    assert sum(given.values()) >= min(1_500, prefetch_module.BUFFER_BYTES // size // 2)


def test_messages_that_grow_stop_the_consumers_until_there_is_room(worker: Worker) -> None:
    # Given small ones, and the prefetch that belongs to them
    worker.receive(prefetch_module.SEEN)
    worker.wait()
    worker.end()
    worker.wait()

    # When large ones follow
    while worker.event_consumer.subscription.prefetch.bytes <= prefetch_module.BUFFER_BYTES:
        worker.receive(body=b"x" * 256 * 1024)
    worker.event_consumer.check_timeouts()
    assert worker.channel.tag_of == {}

    # Then they are worked off, and fewer at once are asked for
    while worker.event_consumer.subscription.prefetch.bytes:
        worker.wait()
        worker.end()
    worker.event_consumer.check_timeouts()
    assert set(worker.channel.tag_of) == {
        "order.from.inventory",
        "order.dead",
    }
    assert worker.channel.prefetch < 1_500


def test_what_waits_for_hours_leaves_room_for_others(worker: Worker) -> None:
    """The prefetch would be used up by messages that wait for a lock."""
    worker.receive(prefetch_module.SEEN)
    worker.wait()
    worker.end()
    for _ in range(1_500):
        worker.receive()
        worker.wait()
        if worker.running:
            worker.end(HeldBack("locked", range(len(worker.running[-1].batch.messages)), []))
    worker.event_consumer.check_timeouts()

    assert worker.channel.prefetch >= 2_500
    assert worker.event_consumer.dispatch.mode is Mode.GOING
