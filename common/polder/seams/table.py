"""What we need of each, and its test."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


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
            *("on_send_event_buffered", "_flush_events"),
        ),
        "celery_consumer.py overrides them: the node asked first, pauses, how often Flower is told,"
        " a stop that drains",
        "test_seams.py::test_celery_calls_what_we_override",
    ),
    Seam(
        "celery.app.events:Events",
        ("dispatcher_cls", "Dispatcher"),
        "told_to_flower.py overrides it: what Flower is told of an error",
        "test_request.py::test_flower_is_told_no_values",
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
        "given to every step: the way into the pool, its size, the event loop and its timer",
        "tests/system/test_walk.py::",
    ),
    Seam(
        "billiard.common:terminate_handler_fired",
        (),
        "whether a process of the pool has been told to end, and does so by SystemExit",
        "test_seams.py::test_a_process_that_was_told_to_end_ends",
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
        "kombu.transport.pyamqp:Connection",
        ("Channel",),
        "the class of the channels of every connection; amqp.py puts its own there",
        "test_seams.py::test_a_channel_knows_its_consumer_beforehand",
    ),
    Seam(
        "amqp.channel:Channel.basic_consume",
        ("queue", "consumer_tag", "callback", "on_cancel"),
        "calls `on_cancel` with the tag when the broker ends it, and goes on",
        "test_seams.py::test_a_consumer_that_the_broker_ends",
    ),
    Seam(
        "amqp.connection:Connection",
        ("blocking_read", "on_inbound_frame", "frame_writer"),
        "read_through replaces blocking_read, which drain_events calls",
        "test_seams.py::test_frames_that_came_together_are_handled_together",
    ),
    Seam(
        "amqp.connection:Connection",
        ("blocking_read", "on_blocked", "on_unblocked"),
        "reads one frame, and calls them when the broker blocks; confirms.py waits by it",
        "tests/library/relay/test_relay_blocked.py::test_it_is_said_and_ends",
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
        "amqp.serialization:PROPERTY_CLASSES",
        (),
        "what reads a message's properties, by class; properties.py puts its own there",
        "test_odd_properties.py::test_it_comes_with_its_body",
    ),
    Seam(
        "amqp.serialization:decode_properties_basic",
        ("buf", "offset"),
        "the properties and where they end; raises at what it cannot read",
        "test_odd_properties.py::test_it_comes_with_its_body",
    ),
    Seam(
        "amqp.serialization:dumps",
        ("format", "values"),
        "encodes the arguments of basic.publish",
        "test_seams.py::test_frames_are_those_of_py_amqp",
    ),
)
