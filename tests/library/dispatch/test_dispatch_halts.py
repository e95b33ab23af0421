"""What goes while the database is away, and while what fails halts the others."""

from __future__ import annotations

import pytest

from polder.consumer.batch import (
    BATCH_EVENTS,
    FIRST_RETRY,
    LONGEST_RETRY,
    Kind,
)
from polder.consumer.dispatch import PROBED, SAMPLED
from polder.consumer.transitions import End, Mode
from tests.library.dispatch.worker import Worker


@pytest.mark.parametrize("start", [True, False], ids=["at work", "just started"])
def test_while_the_database_is_away_one_batch_probes_and_all_stay_whole(start: bool) -> None:
    # Given three batches under way, where so many are allowed
    worker = Worker(going=start)
    worker.receive(3 * BATCH_EVENTS)
    under_way = [worker.next() for _ in range(3 if start else 1)]

    # When the database is away for an hour
    for batch in under_way:
        worker.end(batch, End.AWAY)
    tries, sizes = 0, set()
    until = worker.now + 3600
    while worker.now < until:
        worker.now += 0.05
        while (probe := worker.dispatch.next(worker.now)) is not None:
            assert len(worker.dispatch.under_way) == 1
            sizes.add(len(probe.messages))
            worker.end(probe, End.AWAY)
            tries += 1

    # Then there is a try each ten seconds, and no batch fell apart
    assert tries < 3600 / LONGEST_RETRY + 20
    assert sizes == {BATCH_EVENTS}
    worker.end(worker.next(LONGEST_RETRY), End.APPLIED)
    assert worker.dispatch.mode is Mode.GOING
    assert sorted(len(batch.messages) for batch in worker.dispatch.returned) == [BATCH_EVENTS] * (
        len(under_way) - 1
    )
    worker.finish()


def test_a_halt_probes_with_those_that_fail_and_with_a_few_fresh_ones(worker: Worker) -> None:
    # Given
    worker.receive(40)
    worker.end(worker.next(), End.HALTED, suspects=range(20))
    worker.receive(30)

    # When
    probe = worker.next(FIRST_RETRY)
    assert (probe.kind, probe.tags) == (Kind.PROBE, list(range(2, 2 + PROBED)))
    assert probe.hints() == {"probe": True, "retried": True, "survived": True}
    worker.end(probe, End.HALTED, suspects=range(PROBED))
    assert worker.nothing(0.05)
    sample = worker.next(LONGEST_RETRY)

    # Then
    assert (sample.kind, len(sample.messages)) == (Kind.SAMPLE, SAMPLED)
    worker.end(sample, End.APPLIED)
    assert worker.dispatch.mode is Mode.HALTED
    again = worker.next()
    assert again.tags == probe.tags
    worker.end(again, End.APPLIED)
    assert str(worker.dispatch.mode) == "going"
    worker.finish()


def test_behind_a_long_backlog_of_what_fails_samples_grow(worker: Worker) -> None:
    # Given a halt with two thousand that fail alike in front of what is fine
    worker.receive(40)
    worker.end(worker.next(), End.HALTED, suspects=range(40))
    worker.receive(2_001)
    fine = worker.tag

    # When
    sizes: list[int] = []
    while fine not in (batch := worker.next(LONGEST_RETRY)).tags:
        sizes += [len(batch.messages)] if batch.kind is Kind.SAMPLE else []
        worker.end(batch, End.HALTED, suspects=range(len(batch.messages)))
    worker.end(batch, End.APPLIED)

    # Then
    assert sizes[:4] == [SAMPLED, 2 * SAMPLED, 4 * SAMPLED, 8 * SAMPLED]
    assert max(sizes) == BATCH_EVENTS
    assert len(sizes) < 10
    worker.finish()


def test_a_halt_of_the_whole_batch_probes_with_all_of_it(worker: Worker) -> None:
    worker.receive(40)
    batch = worker.next()
    worker.end(batch, End.HALTED)

    assert worker.next(FIRST_RETRY).tags == batch.tags


@pytest.mark.parametrize(
    "end", [End.LOST, End.TOO_SLOW, End.AGAIN, End.HELD_BACK, End.SUSPECTS, End.AWAY]
)
@pytest.mark.parametrize("first", [End.HALTED, End.AWAY])
def test_a_probe_that_ends_otherwise_loses_nothing(worker: Worker, first: End, end: End) -> None:
    worker.receive(4)
    worker.end(worker.next(), first)
    worker.receive(3)

    worker.end(worker.next(FIRST_RETRY), end, **({"locked": [0]} if end is End.HELD_BACK else {}))

    worker.finish()


def test_batches_that_end_after_another_has_halted_all_wait_whole(worker: Worker) -> None:
    worker.receive(3 * BATCH_EVENTS)
    one, other, third = worker.next(), worker.next(), worker.next()
    worker.end(one, End.HALTED, suspects=[0])
    assert worker.nothing(1), "the others are still under way"
    worker.end(other, End.HALTED, suspects=[1, 2])
    worker.end(third, End.APPLIED)

    assert worker.dispatch.mode is Mode.HALTED
    assert worker.next().tags == [2]
    worker.dispatch.under_way.clear()


def test_nothing_is_halved_while_the_database_is_away_or_all_fail(worker: Worker) -> None:
    for end in End:
        if end in (End.APPLIED, End.HELD_BACK, End.SUSPECTS):
            continue
        fresh = Worker()
        fresh.receive(40)
        batch = fresh.next()
        for _ in range(20):
            fresh.end(batch, end)
            batch = fresh.next(LONGEST_RETRY)
            if len(batch.messages) < 40:
                break
        assert (len(batch.messages) < 40) == (end not in (End.AWAY, End.HALTED)), end


def test_a_lost_process_halves_until_one_is_alone(worker: Worker) -> None:
    # Given
    worker.receive(8)
    alone: list[int] = []

    # When message 5 kills each process
    for _ in range(60):
        worker.now += 1
        batch = worker.dispatch.next(worker.now)
        if batch is None:
            continue
        if 5 in batch.tags and not batch.quarantined:
            worker.end(batch, End.LOST)
        else:
            alone += batch.tags if batch.quarantined else []
            worker.end(batch, End.APPLIED)

    # Then the others are done, and it went alone
    assert alone == [5]
    worker.finish()


def test_too_slow_a_single_one_is_not_suspected(worker: Worker) -> None:
    worker.receive(1)
    worker.end(worker.next(), End.TOO_SLOW)

    assert not worker.next(1).quarantined
