"""The event consumer when its connection, its channel or it itself ends."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from billiard.exceptions import WorkerLostError

from polder.consumer import timeouts
from polder.inbox.batch_errors import ConsumerHalted
from tests.library.event_consumer.worker import Worker


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


def test_the_channel_is_given_up_before_the_broker_takes_it(worker: Worker) -> None:
    # Given a batch that comes back in vain for 24 minutes, and is with the pool again
    worker.receive(3)
    worker.wait()
    for _ in range(143):
        worker.end(ConsumerHalted("a bug"))
        worker.wait(10)
        worker.event_consumer.timeouts.check()
        assert worker.renewed == 0

    # When
    worker.wait(10)
    worker.event_consumer.timeouts.check()
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
    timeout = worker.event_consumer.timeouts.longest
    worker.wait(timeout * timeouts.IN_TIME + 1)
    worker.event_consumer.timeouts.give_up_channel()

    for _ in range(int(timeout) // 5):
        worker.wait(1)

    assert worker.renewed == 1
