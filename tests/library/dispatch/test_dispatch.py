"""What goes when."""

from __future__ import annotations

from statistics import median

import pytest

from polder.consumer.batch import (
    BATCH_BYTES,
    BATCH_EVENTS,
    LINGER,
    Batch,
    Kind,
)
from polder.consumer.dispatch import ALONE, LONGEST_WAIT, Dispatch, Ended
from polder.consumer.pace import Pace
from polder.consumer.queues import Fresh
from polder.consumer.transitions import MODES, TRANSITIONS, End, Mode, Part, Which, moves
from tests.library.dispatch.worker import Worker, many, received


def batches_of(rate: int, *, takes: float, budget: float = 0.05, seconds: int = 5) -> list[int]:
    """How many messages each batch of a steady rate holds, when each takes so long."""
    worker, sizes = Worker(), []
    worker.dispatch.pace = worker.dispatch.fresh._pace = Pace(budget)
    ends: list[tuple[float, Batch]] = []
    for _ in range(seconds * 1_000):
        worker.now += 0.001
        worker.receive(int(worker.now * rate) - int((worker.now - 0.001) * rate))
        while ends and ends[0][0] <= worker.now:
            worker.end(ends.pop(0)[1], End.APPLIED)
        if len(ends) < 2 and (batch := worker.dispatch.next(worker.now)):
            sizes.append(len(batch.messages))
            ends.append((worker.now + takes, batch))
    return sizes[10:]


def test_the_table_has_a_row_for_every_batch_however_it_ends() -> None:
    assert set(TRANSITIONS) == set(MODES) == set(End)
    for row in TRANSITIONS.values():
        assert list(row)[-1] is Which.ANY
        assert all(moves[-1].part in (Part.ALL, Part.REST) for moves in row.values())


@pytest.mark.parametrize("deciding", [True, False])
@pytest.mark.parametrize("number", [1, 3])
@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("end", list(End))
def test_no_message_is_lost_or_doubled(end: End, kind: Kind, number: int, deciding: bool) -> None:
    # Given a batch under way
    dispatch = Dispatch(lag_budget=0.15)
    dispatch.mode = Mode.GOING if deciding else Mode.HALTED
    batch = Batch(many(number), kind)
    dispatch.under_way.append(batch)

    # When it ends with something to say of one message, and of all
    done = dispatch.ended(batch, Ended(end, locked=[0], suspects=[0]), 1.0)

    # Then each message is done or waits, once
    dispatch.mode = Mode.GOING
    if dispatch.probe:
        dispatch.returned.append(dispatch.probe)
    tags = [message.tag for message in done]
    while (waiting := dispatch.next(1_000.0)) is not None:
        tags += waiting.tags
        dispatch.under_way.clear()
    assert sorted(tags) == list(range(1, number + 1))
    assert moves(end, batch, deciding=deciding)


def test_a_few_wait_a_little_for_others_and_many_do_not() -> None:
    fresh = Fresh(Pace(0.0))
    assert fresh.due() is None
    fresh.add(received(1), 10.0)
    fresh.add(received(2), 10.002)
    assert fresh.due() == 10.0 + LINGER
    for message in many(BATCH_EVENTS):
        fresh.add(message, 10.0)
    assert fresh.due() == 0.0
    assert [len(fresh.take()), len(fresh.take()), fresh.bytes] == [BATCH_EVENTS, 2, 0]


def test_large_ones_go_in_smaller_batches_and_one_that_is_larger_alone() -> None:
    fresh = Fresh(Pace(0.0))
    for size in (BATCH_BYTES - 1, BATCH_BYTES - 1, BATCH_BYTES - 1, BATCH_BYTES * 2, 1):
        fresh.add(received(1, size=size), 0.0)

    assert [len(fresh.take()) for _ in range(4)] == [2, 2, 1, 0]


def test_it_begins_with_one_batch() -> None:
    """Whatever was the matter before the start may still be: one is enough to see."""
    worker = Worker(going=False)
    worker.receive(BATCH_EVENTS + 1)

    first = worker.next()

    assert first.kind is Kind.PROBE
    assert worker.nothing()
    worker.end(first, End.APPLIED)
    assert worker.next().kind is Kind.FRESH


def test_what_flower_shows() -> None:
    batch = Batch(
        [
            received(1),
            received(2, kind="OrderConfirmed"),
            received(3),
            received(4, kind="StockChanged", publisher="inventory"),
        ]
    )

    assert (
        batch.summary()
        == "4 events from inventory, order: OrderCreated 2, OrderConfirmed 1, StockChanged 1"
    )


def test_messages_go_at_once_while_there_is_little_to_do_and_gather_while_there_is() -> None:
    assert set(batches_of(20, takes=0.005)) == {1}
    assert max(batches_of(500, takes=0.005)) <= 8, "the budget is not spent where it gains little"
    assert 20 <= median(batches_of(500, takes=0.04)) <= 30, "all of the budget, and no more"
    assert set(batches_of(50, takes=0.04, budget=0.0)) <= {1, 2}


def test_on_a_machine_that_has_much_to_do_they_gather_for_twice_as_long() -> None:
    def pause(*took: float) -> float:
        pace = Pace(budget=1.0)
        for seconds in took:
            pace.began(100.0)
            pace.ended(seconds)
        return pace.not_before() - 100.0

    # Given batches that take as long as the quickest, or nearly
    assert pause(*[0.01] * 50) == pytest.approx(0.01, rel=0.1)
    assert pause(0.01, *[0.019] * 50) == pytest.approx(0.019, rel=0.1)

    # When they take several times as long
    assert pause(0.01, *[0.05] * 50) == pytest.approx(0.1, rel=0.1)
    assert pause(0.0, *[0.001] * 50) < 0.01, "what has done nothing is no measure"


def test_batches_that_failed_are_no_measure_of_how_busy_the_machine_is() -> None:
    def pause(*, was_away: bool) -> float:
        worker = Worker()
        if was_away:
            worker.receive(1)
            batch = worker.next()
            worker.now += 0.002
            worker.end(batch, End.AWAY)
            worker.now += 1.0
            worker.end(worker.next(), End.APPLIED)
        for _ in range(20):
            worker.receive(1)
            batch = worker.next(1.0)
            worker.now += 0.012
            worker.end(batch, End.APPLIED)
        return worker.dispatch.pace.not_before() - batch.handed_over

    assert pause(was_away=True) == pytest.approx(pause(was_away=False), rel=0.1)


def test_messages_gather_while_a_batch_is_under_way_and_no_longer_than_the_budget() -> None:
    # Given a batch under way, and a child that is free
    worker = Worker()
    worker.receive(1)
    first = worker.next()
    worker.receive(2)

    # Then the others wait for its end, or for as long as they may
    assert worker.nothing()
    worker.end(first, End.APPLIED)
    worker.receive(1)
    second = worker.next()
    assert len(second.messages) == 3
    worker.receive(1)
    assert worker.nothing(0.14)
    assert len(worker.next(0.02).messages) == 1

    # and a full batch waits for nothing
    worker.receive(BATCH_EVENTS)
    assert len(worker.next().messages) == BATCH_EVENTS


def test_batches_that_wanted_the_same_locks_go_one_after_the_other_for_a_while() -> None:
    # Given two side by side, one of which had to wait too long for the other's locks
    worker = Worker()
    worker.receive(2 * BATCH_EVENTS)
    first, second = worker.next(), worker.next()
    worker.end(second, End.HELD_BACK, locked=[0])
    worker.end(first, End.APPLIED)

    # When there is as much to do again
    worker.receive(2 * BATCH_EVENTS)
    under_way = worker.next(1.0)

    # Then neither the next batch nor what waits for locks goes beside it,
    assert worker.nothing(LONGEST_WAIT / 2)
    assert worker.dispatch.due() == under_way.handed_over + LONGEST_WAIT
    worker.end(under_way, End.APPLIED)
    worker.next()

    # unless it takes too long itself,
    worker.next(LONGEST_WAIT + LINGER)
    worker.finish_under_way()

    # and later they go side by side again
    worker.receive(2 * BATCH_EVENTS)
    worker.next(ALONE)
    worker.next()
