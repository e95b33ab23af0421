"""Everything in Celery, kombu, billiard and py-amqp that we lean on and that their documentation
does not promise.

Nobody else imports it from there (tests/library/test_seams.py). `SEAMS` says of each what we need
and which test fails when it changes; so an upgrade of one of the four begins with that test. What
is documented (bootsteps, signals, `Celery`, `Connection`, `ignore_errors`, exceptions) is used
where it is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from amqp.basic_message import Message
from amqp.method_framing import frame_writer
from amqp.serialization import dumps
from amqp.spec import Basic
from billiard.einfo import ExceptionWithTraceback
from billiard.exceptions import SoftTimeLimitExceeded, TimeLimitExceeded, WorkerLostError
from celery.beat import ScheduleEntry, Scheduler
from celery.worker import state
from celery.worker.consumer import Consumer
from celery.worker.request import Request, create_request_cls
from kombu.transport import TRANSPORT_ALIASES
from kombu.transport.pyamqp import SSLTransport

__all__ = [
    "Consumer",
    "Message",
    "Request",
    "SSLTransport",
    "ScheduleEntry",
    "Scheduler",
    "SoftTimeLimitExceeded",
    "TimeLimitExceeded",
    "WorkerLostError",
    "state",
]

# Celery


def steps_without_delayed_delivery() -> list[str]:
    """With a quorum queue among its own, Celery would declare 28 queues for tasks with a countdown,
    of which we have none."""
    return [step for step in Consumer.Blueprint.default_steps if "delayed_delivery" not in step]


def generated_request_class(consumer: Any, task: Any) -> Any:
    """The class that Celery's own strategy makes for the task's requests."""
    return create_request_cls(
        Request, task, consumer.pool, consumer.hostname, consumer.event_dispatcher, app=consumer.app
    )


def give_to_pool(consumer: Any, request: Any) -> None:
    """As Celery's own strategy does with a task that came from a queue."""
    state.task_reserved(request)
    consumer.on_task_request(request)


def run_event_loop(consumer: Any, go_on: Callable[[], bool]) -> None:
    loop = consumer.hub.create_loop()
    while go_on():
        next(loop)


def error_in_child(error: BaseException) -> BaseException:
    """What came from a child is the error itself; what billiard raised here (a lost process) it has
    wrapped."""
    return error.exc if isinstance(error, ExceptionWithTraceback) else error


# py-amqp


def raw_channel(connection: Any) -> Any:
    """Its messages are bytes, whatever encoding they claim."""
    channel = connection.channel()
    channel.auto_decode = False
    return channel


def is_open(channel: Any) -> bool:
    return channel.connection is not None


def consume(channel: Any, queue: str, tag: str, callback: Callable[[Any], None]) -> None:
    """The channel knows the tag beforehand: messages may come together with the broker's answer,
    and py-amqp would give back those of a tag that it does not know, which counts as a delivery
    each time."""
    channel.callbacks[tag] = callback
    channel.basic_consume(queue, consumer_tag=tag, callback=callback)


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


class Seam(NamedTuple):
    """`of`: module:name, in the installed version. `has`: attributes of it, or its parameters.
    `test`: what fails when it behaves otherwise, in tests/library unless it has a path."""

    of: str
    has: Sequence[str]
    need: str
    test: str


SEAMS: tuple[Seam, ...] = (
    Seam(
        "celery.worker.consumer:Consumer",
        (
            *("connect", "ensure_connected", "stop"),
            *("on_connection_error_before_connected", "on_connection_error_after_connected"),
        ),
        "celery_consumer.py overrides them: the node asked first, pauses, a stop that drains",
        "test_seams.py::test_celery_calls_what_we_override",
    ),
    Seam(
        "celery.worker.consumer:Consumer.Blueprint",
        ("default_steps",),
        "names of the steps, one of them delayed_delivery",
        "test_seams.py::test_one_step_is_left_out",
    ),
    Seam(
        "celery.worker.consumer:Consumer.__init__",
        ("on_task_request", "pool", "timer", "hub"),
        "given to every step: the pool's door, its size, the event loop and its timer",
        "tests/system/test_walk.py::",
    ),
    Seam(
        "celery.worker.state:task_reserved",
        ("request",),
        "a request that the pool gets is known as reserved",
        "test_request.py::test_a_result_that_came_back_is_success",
    ),
    Seam(
        "celery.worker.state:maybe_shutdown",
        (),
        "raises when the worker is to stop, while we wait for the broker",
        "test_seams.py::test_a_wait_ends_with_the_worker",
    ),
    Seam(
        "celery.worker.request:create_request_cls",
        ("base", "task", "pool", "hostname", "eventer", "app"),
        "makes the class of a task's requests, with its time limits",
        "test_request.py::test_flower_sees_what_is_in_it",
    ),
    Seam(
        "celery.worker.request:Request.__init__",
        ("message", "app", "hostname", "eventer", "task", "body", "headers", "decoded"),
        "a request whose arguments are decoded already",
        "test_request.py::test_flower_sees_what_is_in_it",
    ),
    Seam(
        "celery.worker.request:Request.on_failure",
        ("exc_info", "send_failed_event", "return_ok"),
        "called once or twice for whatever is no success",
        "test_request.py::test_anything_else_is_a_failure",
    ),
    Seam(
        "celery.worker.request:Request.on_timeout",
        ("soft", "timeout"),
        "called at the hard time limit",
        "test_request.py::test_a_hard_time_limit_is_a_failure_and_a_soft_one_not_yet",
    ),
    Seam(
        "celery.worker.request:Request._announce_revoked",
        ("reason", "terminated", "signum", "expired"),
        "called for a revoked task, which Celery then acks",
        "test_request.py::test_a_revoke_is_a_failure",
    ),
    Seam(
        "celery.beat:Scheduler._when",
        ("entry", "next_time_to_run", "mktime"),
        "the clock of beat's heap: steady_beat.py makes it monotonic",
        "test_jobs.py::test_beat_asks_whatever_the_clock_does",
    ),
    Seam(
        "celery.beat:ScheduleEntry._next_instance",
        ("last_run_at",),
        "makes the next entry from all attributes of this one",
        "test_jobs.py::test_beat_asks_whatever_the_clock_does",
    ),
    Seam(
        "celery.app.trace:TraceInfo.handle_failure",
        ("task", "req"),
        "logs an expected failure with `data`, by which quiet_log.py leaves it out",
        "test_seams.py::test_an_expected_failure_is_not_logged",
    ),
    Seam(
        "celery.fixups.django:DjangoWorkerFixup",
        ("close_database",),
        "keeps the connection for CELERY_DB_REUSE_MAX tasks (app.py)",
        "test_seams.py::test_a_task_keeps_its_database_connection",
    ),
    Seam(
        "billiard.einfo:ExceptionWithTraceback",
        ("__init__",),
        "wraps an error of a child; the error itself is its `exc`",
        "test_request.py::test_anything_else_is_a_failure",
    ),
    Seam(
        "kombu.transport:TRANSPORT_ALIASES",
        (),
        "names the transport of each scheme; tls.py puts its own there",
        "test_tls.py",
    ),
    Seam(
        "kombu.transport.pyamqp:SSLTransport",
        ("establish_connection",),
        "takes `client.ssl` and `client.hostname` as they are when it connects",
        "test_tls.py",
    ),
    Seam(
        "kombu.connection:Connection",
        ("cycle",),
        "the iterator that its failover strategy made (nodes.py)",
        "test_nodes.py",
    ),
    Seam(
        "amqp.channel:Channel.__init__",
        ("auto_decode",),
        "an attribute, too: a body stays bytes; `callbacks` by consumer tag",
        "test_seams.py::test_a_channel_knows_its_consumer_beforehand",
    ),
    Seam(
        "amqp.connection:Connection",
        ("blocking_read", "on_inbound_frame", "frame_writer"),
        "read_through replaces blocking_read, which drain_events calls",
        "test_seams.py::test_frames_that_came_together_are_handled_together",
    ),
    Seam(
        "amqp.transport:TCPTransport",
        ("read_frame", "write"),
        "reads by `_quick_recv` alone, an attribute of it",
        "test_seams.py::test_frames_that_came_together_are_handled_together",
    ),
    Seam(
        "amqp.method_framing:frame_writer",
        ("connection", "transport"),
        "writes a message's frames by `transport.write`",
        "test_seams.py::test_frames_are_those_of_py_amqp",
    ),
    Seam(
        "amqp.serialization:dumps",
        ("format", "values"),
        "encodes the arguments of basic.publish",
        "test_seams.py::test_frames_are_those_of_py_amqp",
    ),
)
