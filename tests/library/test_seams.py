"""What we need of the inside of Celery, kombu, billiard and py-amqp, in the installed versions."""

from __future__ import annotations

import ast
import inspect
import logging
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from importlib import import_module
from pathlib import Path
from struct import pack
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest
from amqp.basic_message import Message
from amqp.channel import Channel
from amqp.connection import Connection
from amqp.method_framing import frame_writer
from amqp.transport import TCPTransport
from celery import Celery
from celery.app import trace
from celery.app.trace import build_tracer
from celery.exceptions import WorkerShutdown
from celery.fixups.django import DjangoWorkerFixup
from kombu.transport import pyamqp

import polder
from order_service.celery import app
from polder.consumer import celery_consumer
from polder.consumer.celery_consumer import CeleryConsumer
from polder.consumer.heartbeats import TASK
from polder.consumer.quiet_log import say_nothing_of_expected_failures
from polder.consumer.read_ahead import ReadAhead
from polder.inbox.batch_errors import TransientFailure
from polder.seams.amqp import KnowingChannel, PublishFrames, is_open, raw_channel, read_through
from polder.seams.celery import Consumer, state
from polder.seams.table import SEAMS, Seam

LIBRARY = Path(polder.__file__).parent
ROOT = Path(__file__).resolve().parents[2]
# what their documentation describes
PUBLIC = {
    *("celery", "celery.bootsteps", "celery.schedules", "celery.signals"),
    *("kombu.common", "kombu.connection", "kombu.entity", "amqp.exceptions"),
}


def resolved(seam: Seam) -> Any:
    module, _, path = seam.of.partition(":")
    found = import_module(module)
    for name in path.split("."):
        found = getattr(found, name)
    return found


@pytest.mark.parametrize("seam", SEAMS, ids=lambda seam: seam.of)
def test_each_is_there_with_what_we_need_of_it(seam: Seam) -> None:
    found = resolved(seam)
    names = set(dir(found)) if isinstance(found, type) else set()
    if callable(found):
        names |= set(inspect.signature(found).parameters)
    assert set(seam.has) <= names


@pytest.mark.parametrize("seam", SEAMS, ids=lambda seam: seam.of)
def test_each_has_a_test_of_how_it_behaves(seam: Seam) -> None:
    file, _, function = seam.test.partition("::")
    path = ROOT / file if "/" in file else Path(__file__).parent / file
    assert f"def {function or 'test_'}" in path.read_text()


def test_nobody_else_leans_on_them() -> None:
    """Imports of what is not public stand in `seams` alone."""
    found = {
        (str(path.relative_to(LIBRARY)), module)
        for path in LIBRARY.rglob("*.py")
        if path.parent != LIBRARY / "seams"
        for module in imported(path)
        if module.partition(".")[0] in ("celery", "kombu", "billiard", "amqp")
    }
    assert {(file, module) for file, module in found if module not in PUBLIC} == set()


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            modules = {f"{node.module}.{one.name}" for one in node.names} & PUBLIC
            yield from modules or {node.module}
        elif isinstance(node, ast.Import):
            yield from (one.name for one in node.names)


# Celery


def test_one_step_is_left_out() -> None:
    theirs, ours = Consumer.Blueprint.default_steps, CeleryConsumer.Blueprint.default_steps
    assert set(theirs) - set(ours) == {
        "celery.worker.consumer.delayed_delivery:DelayedDelivery",
    }


def test_celery_calls_what_we_override() -> None:
    """Each by Celery's own code: an override of what nobody calls does nothing."""
    source = inspect.getsource(import_module("celery.worker.consumer.consumer"))
    worker = inspect.getsource(import_module("celery.worker.consumer.connection"))
    for name in (
        "ensure_connected",
        "on_connection_error_before_connected",
        "on_connection_error_after_connected",
    ):
        assert f"self.{name}" in source, name
    assert "c.connect()" in worker
    events = inspect.getsource(import_module("celery.worker.consumer.events"))
    assert "on_send_buffered=c.on_send_event_buffered" in events
    assert app.conf.worker_consumer == (f"{CeleryConsumer.__module__}:{CeleryConsumer.__name__}")


def test_flower_is_told_of_many_tasks_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when what was to tell it is forgotten with the connection."""
    consumer: Any = object.__new__(CeleryConsumer)
    consumer.timer, consumer.event_dispatcher = Mock(), Mock()
    now = 1000.0
    monkeypatch.setattr(celery_consumer.time, "monotonic", lambda: now)
    for _ in range(3):
        consumer.on_send_event_buffered()
    ((seconds, tell), _) = consumer.timer.call_after.call_args
    assert consumer.timer.call_after.call_count == 1
    tell()
    assert consumer.event_dispatcher.flush.call_count == 1
    now += seconds
    consumer.on_send_event_buffered()
    assert consumer.timer.call_after.call_count == 2


def test_a_wait_ends_with_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    state.maybe_shutdown()
    monkeypatch.setattr(state, "should_stop", 0)
    with pytest.raises(WorkerShutdown):
        state.maybe_shutdown()


def test_a_process_that_was_told_to_end_ends() -> None:
    """By SystemExit, wherever it is; and it knows that from one that its code raises."""
    script = """
import os, signal, sys, time
from billiard.common import reset_signals
from polder.seams.celery import terminate_handler_fired
reset_signals()
before = terminate_handler_fired()
try:
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(60)
except SystemExit:
    sys.exit(7 if terminate_handler_fired() and not before else 1)
"""
    command = [sys.executable, "-W", "ignore", "-c", script]
    assert subprocess.run(command, check=False).returncode == 7


def test_an_expected_failure_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    # Given a task of that name, and another, which fail as expected
    say_nothing_of_expected_failures()
    celery = Celery("seams", broker="memory://", set_as_current=False)

    def fail() -> None:
        raise TransientFailure("so")

    with caplog.at_level(logging.INFO, "celery.app.trace"):
        for name in ("apply_events", "another"):
            task = celery.task(fail, name=name, throws=(TransientFailure,), ignore_result=True)
            build_tracer(name, task, app=celery)(f"id of {name}", (), {})

    # Then only the other's failure is in the log
    [line] = [record.getMessage() for record in caplog.records]
    assert "another" in line
    assert "raised expected" in line


def test_a_heartbeat_that_was_noted_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    """As Celery says of a task that it has succeeded."""
    say_nothing_of_expected_failures()
    with caplog.at_level(logging.INFO, "celery.app.trace"):
        for name in (TASK, "another"):
            about = {"name": name, "id": "1", "return_value": "done", "runtime": 0.1}
            trace.info(trace.LOG_SUCCESS, about | {"args": "", "kwargs": ""})

    [line] = [record.getMessage() for record in caplog.records]
    assert "another" in line


def test_a_task_keeps_its_database_connection() -> None:
    fixup = DjangoWorkerFixup(app)
    closed: list[bool] = []
    fixup._close_database = lambda: closed.append(True)  # type: ignore[method-assign]

    for _ in range(1_000):
        fixup.close_database()

    assert closed == []


# py-amqp


class Sender:
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        self.written = b""
        self.having_timeout = nullcontext

    def write(self, data: bytes) -> None:
        self.written += bytes(data)


def channel_of(transport: Sender) -> Channel:
    """An open channel without a broker."""
    connection = Connection()
    connection.frame_max = 4096
    connection._transport = transport
    connection._frame_writer = frame_writer(connection, transport)
    channel = Channel(connection, channel_id=1)
    channel.is_open = True
    return channel


def test_frames_are_those_of_py_amqp() -> None:
    # Given a message that needs several frames
    theirs, ours = Sender(), Sender()
    message = Message(b"x" * 10_000, message_id="1", delivery_mode=2)

    # When
    channel_of(theirs).basic_publish(message, "order.events", "OrderCreated", mandatory=True)
    frames = PublishFrames(channel_of(ours))
    frames.add("order.events", "OrderCreated", message)
    frames.flush()

    # Then
    assert ours.written == theirs.written
    assert len(ours.written) > 10_000
    assert not frames.gathered


def test_a_channel_knows_its_consumer_beforehand() -> None:
    # Given a broker that sends a message before it answers
    assert pyamqp.Connection.Channel is KnowingChannel
    channel = KnowingChannel(channel_of(Sender()).connection, 2)
    came: list[Any] = []
    message = Message(b"x")

    def send_method(*_: Any, **options: Any) -> list[str]:
        channel._on_basic_deliver("tag", 1, False, "order.events", "", message)
        return ["tag"]

    channel.send_method = send_method

    # When
    channel.basic_consume("inventory.from.order", consumer_tag="tag", callback=came.append)

    # Then it has the message
    assert came == [message]


def test_a_consumer_that_the_broker_ends() -> None:
    channel, ended = channel_of(Sender()), list[str]()
    channel.send_method = lambda *_, **options: ["tag"]
    channel.basic_consume("q", consumer_tag="tag", callback=print, on_cancel=ended.append)

    channel._on_basic_cancel("tag")

    assert ended == ["tag"]


def test_a_channel_reads_bytes() -> None:
    opened = raw_channel(SimpleNamespace(channel=lambda: channel_of(Sender())))

    assert (opened.auto_decode, is_open(opened)) == (False, True)


def test_frames_that_came_together_are_handled_together() -> None:
    # Given a socket with three heartbeats in it
    ours, broker = socket.socketpair()
    transport = TCPTransport("nowhere")
    transport.sock, transport.connected = ours, True
    transport._setup_transport()
    connection = Connection()
    connection._transport = transport
    frames: list[int] = []
    connection._on_inbound_frame = lambda frame: frames.append(frame[0])
    broker.sendall(3 * (pack(">BHI", 8, 0, 0) + b"\xce"))
    read_through(connection, ReadAhead)

    # When it is read once
    connection.blocking_read(1)

    # Then all have been handled
    assert frames == [8, 8, 8]
    ours.close()
    broker.close()
