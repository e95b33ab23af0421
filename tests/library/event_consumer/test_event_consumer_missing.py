"""A queue that somebody has deleted, or not declared yet."""

from __future__ import annotations

import pytest

from tests.library.event_consumer.worker import Worker

INVENTORY, SHIPPING, DEAD = "order.from.inventory", "order.from.shipping", "order.dead"


def read_by(worker: Worker) -> set[str]:
    return set(worker.channel.tag_of)


def test_while_one_is_missing_the_others_are_read(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    worker = Worker(monkeypatch, publishers=["inventory", "shipping"], missing=[INVENTORY])

    assert read_by(worker) == {SHIPPING, DEAD}
    assert "order.from.inventory" in caplog.text


def test_one_that_is_deleted_stops_none_of_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a message of the queue that is with the pool
    worker = Worker(monkeypatch, publishers=["inventory", "shipping"])
    worker.receive(queue=INVENTORY)
    worker.wait()

    # When
    worker.channel.delete_queue(INVENTORY)

    # Then it is finished, and the others come as before
    assert read_by(worker) == {SHIPPING, DEAD}
    assert worker.end() == [1]
    worker.receive(queue=SHIPPING)
    worker.wait()
    assert worker.end() == [2]

    # and so it stays when another prefetch is asked for
    worker.receive(100, queue=SHIPPING)
    worker.wait()
    assert read_by(worker) == {SHIPPING, DEAD}


@pytest.mark.parametrize("of", [["inventory"], ["inventory", "shipping"]])
def test_what_is_declared_later_is_read(monkeypatch: pytest.MonkeyPatch, of: list[str]) -> None:
    worker = Worker(monkeypatch, publishers=of)
    every = read_by(worker)
    for queue in every:
        worker.channel.delete_queue(queue)
    assert not read_by(worker)

    worker.channel.missing.clear()
    for check in worker.timer.repeated * 2:
        check()

    assert read_by(worker) == every
