"""How much the event consumer takes of what waits."""

from __future__ import annotations

import pytest

from polder.consumer import prefetch as prefetch_module
from polder.consumer.transitions import Mode
from polder.inbox.batch_errors import HeldBack
from tests.library.event_consumer.worker import Worker


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
        worker.event_consumer.fit_prefetch()

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
    worker.event_consumer.timeouts.check()
    assert worker.channel.tag_of == {}

    # Then they are worked off, and fewer at once are asked for
    while worker.event_consumer.subscription.prefetch.bytes:
        worker.wait()
        worker.end()
    worker.event_consumer.timeouts.check()
    assert set(worker.channel.tag_of) == {
        "order.from.inventory",
        "order.dead",
    }
    assert worker.channel.prefetch < 1_500


@pytest.mark.parametrize("size", [1_000, 5_000, 50_000])
def test_what_does_not_move_starves_its_queue_only_when_memory_is_short(size: int) -> None:
    """As the broker does: a new consumer may have the whole number, whatever its predecessors
    hold."""
    prefetch, stuck = prefetch_module.Prefetch(4, 2), 0
    for _ in range(500):
        for _ in range(prefetch.number):  # all of one queue, and all of them wait
            prefetch.received(size)
        stuck += prefetch.number
        if (better := prefetch.better(stuck)) is None:
            break
        prefetch.begin(better, stuck)

    assert not prefetch.room
    assert prefetch.bytes <= prefetch_module.BUFFER_BYTES * 1.1


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
    worker.event_consumer.timeouts.check()

    assert worker.channel.prefetch >= 2_500
    assert worker.event_consumer.dispatch.mode is Mode.GOING
