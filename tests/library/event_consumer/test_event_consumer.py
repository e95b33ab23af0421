"""The event consumer of one connection: what comes, goes and is acked."""

from __future__ import annotations

import pytest

from polder.consumer import prefetch as prefetch_module
from polder.consumer import timeouts
from polder.consumer.batch import LINGER
from polder.errors.faults import Fault
from polder.inbox.batch_errors import ConsumerHalted, HeldBack, TransientFailure
from tests.library.event_consumer.worker import Worker


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


def test_a_batch_without_a_result_goes_again(worker: Worker) -> None:
    # Given a batch in the pool
    worker.receive(4)
    worker.wait()

    # When its time is long over and no result came
    worker.now += timeouts.LONGEST_BATCH + 1
    worker.event_consumer.timeouts.check()
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
