"""A heartbeat says something once all is handled that was ahead of it in its queue."""

from __future__ import annotations

from polder.consumer.heartbeats import TASK
from polder.inbox.batch_errors import TransientFailure
from tests.library.event_consumer.worker import Worker


def beat(worker: Worker) -> None:
    worker.receive(exchange="inventory.direct", body=b"2026-11-26T08:00:00+00:00")


def running(worker: Worker) -> list[str]:
    return [request.task for request in worker.running]


def test_of_a_queue_that_is_empty_it_is_noted_at_once(worker: Worker) -> None:
    beat(worker)
    worker.wait()

    assert running(worker) == [TASK]
    assert worker.channel.unacked == []
    [request] = worker.running
    assert request.batch.messages[0].delivery.publisher == "inventory"


def test_it_waits_for_what_is_ahead_of_it(worker: Worker) -> None:
    # Given
    worker.receive(2)
    beat(worker)
    worker.receive()
    worker.wait()
    assert TASK not in running(worker)

    # When the first batch fails, it still waits
    worker.end(TransientFailure("away"))
    worker.wait(1.0)
    assert TASK not in running(worker)

    # Then it goes when that is done, before what came later
    worker.end()
    worker.wait()
    assert running(worker)[0] == TASK


def test_what_comes_later_does_not_keep_it(worker: Worker) -> None:
    worker.receive()
    beat(worker)
    worker.wait()
    worker.receive(3)
    beat(worker)  # passed over
    worker.end()
    worker.wait()

    assert running(worker)[0] == TASK


def test_a_renewed_channel_knows_of_none(worker: Worker) -> None:
    beat(worker)
    worker.event_consumer.cancel()
    worker.wait()

    assert running(worker) == []


def test_what_becomes_of_it_is_nobodys_concern(worker: Worker) -> None:
    beat(worker)
    worker.wait()
    request = worker.running.pop()

    request.listener.failed(request.batch, TransientFailure("away"))
    request.listener.succeeded(request.batch)

    beat(worker)
    worker.wait()
    assert running(worker) == [TASK]
