"""What goes when: batches that are told how they ended, and a clock that the test moves."""

from __future__ import annotations

from statistics import median

import pytest

from polder.consumer.batch import (
    BATCH_BYTES,
    BATCH_EVENTS,
    FIRST_RETRY,
    LINGER,
    LONGEST_RETRY,
    Batch,
    Kind,
    Received,
)
from polder.consumer.dispatch import PROBED, SAMPLED, Dispatch, Ended
from polder.consumer.pace import Pace
from polder.consumer.queues import Fresh
from polder.consumer.transitions import MODES, TRANSITIONS, End, Mode, Part, Which, moves
from polder.inbox.delivery import Delivery


def received(
    tag: int,
    *,
    kind: str = "OrderCreated",
    publisher: str = "order",
    size: int = 10,
    returns: int = 0,
) -> Received:
    return Received(
        tag, kind, Delivery(f"inventory.from.{publisher}", publisher, b"x" * size, 0.0), returns
    )


def many(number: int, first: int = 1) -> list[Received]:
    return [received(tag) for tag in range(first, first + number)]


class Worker:
    """A dispatch that has started, and its clock."""

    def __init__(self, *, going: bool = True) -> None:
        self.dispatch, self.now, self.tag, self.done = Dispatch(), 1_000.0, 0, set[int]()
        if going:
            self.receive(1)
            self.end(self.next(), End.APPLIED)
            assert self.dispatch.mode is Mode.GOING

    def receive(self, number: int, **kind: object) -> None:
        for _ in range(number):
            self.tag += 1
            self.dispatch.receive(received(self.tag), self.now, **kind)  # type: ignore[arg-type]

    def next(self, later: float = 2 * LINGER) -> Batch:
        self.now += later
        batch = self.dispatch.next(self.now)
        assert batch is not None
        return batch

    def nothing(self, later: float = 2 * LINGER) -> bool:
        self.now += later
        return self.dispatch.next(self.now) is None

    def end(self, batch: Batch, end: End, **how: object) -> None:
        done = self.dispatch.ended(batch, Ended(end, "so", **how), self.now)  # type: ignore[arg-type]
        assert self.done.isdisjoint(message.tag for message in done)
        self.done |= {message.tag for message in done}

    def finish(self) -> None:
        """All succeeds from now on."""
        for _ in range(500):
            self.now += 0.5
            while (batch := self.dispatch.next(self.now)) is not None:
                self.end(batch, End.APPLIED)
        assert self.done == set(range(1, self.tag + 1))


@pytest.fixture
def worker() -> Worker:
    return Worker()


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
    dispatch = Dispatch()
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


def test_only_a_time_limit_and_a_lost_process_halve(worker: Worker) -> None:
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
        assert (len(batch.messages) < 40) == (end in (End.TOO_SLOW, End.LOST)), end


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


def test_those_that_wait_for_a_lock_let_fresh_ones_go_first(worker: Worker) -> None:
    # Given one product's row is locked: every third order needs it
    worst, retries, busy = 0.0, 0, 0.0
    worker.now = 2_000.0
    came: dict[int, float] = {}
    for _ in range(2_400):  # four minutes
        worker.now += 0.1
        worker.receive(2)
        came |= dict.fromkeys((worker.tag, worker.tag - 1), worker.now)
        while (batch := worker.dispatch.next(worker.now)) is not None:
            if batch.kind is Kind.LOCKED:
                retries += 1
                worker.now += 1.2
                busy += 1.2
                worker.end(batch, End.HELD_BACK, locked=range(len(batch.messages)))
            else:
                worker.now += 0.25
                locked = [position for position, tag in enumerate(batch.tags) if tag % 3 == 0]
                before = set(worker.done)
                worker.end(batch, End.HELD_BACK, locked=locked) if locked else worker.end(
                    batch, End.APPLIED
                )
                worst = max(
                    [
                        worst,
                        *(worker.now - came.get(tag, worker.now) for tag in worker.done - before),
                    ]
                )

    # Then the others are through within two seconds, and trying again takes no more than a quarter
    # of the time
    assert worst < 2
    assert retries > 30
    assert busy < (worker.now - 2_000) / 4

    # And when it lets go, all is made up at once
    worker.now += 10
    for _ in range(20):
        while (batch := worker.dispatch.next(worker.now)) is not None:
            worker.end(batch, End.APPLIED)
        worker.now += 0.5
    assert worker.done == set(range(1, worker.tag + 1))


def test_while_something_is_locked_others_are_hurried(worker: Worker) -> None:
    worker.receive(2)
    first = worker.next()
    assert first.hints() == {}
    worker.end(first, End.HELD_BACK, locked=[1])
    worker.receive(1)
    assert worker.next().hints() == {"hurried": True}
    retry = worker.next(1)
    assert (retry.kind, retry.hints()) == (Kind.LOCKED, {"hurried": True, "retried": True})


def test_what_waits_for_a_lock_is_tried_again_however_many_join_it(worker: Worker) -> None:
    worker.receive(1)
    worker.end(worker.next(), End.HELD_BACK, locked=[0])
    kinds = []
    for _ in range(10):  # a new one each 0.15 s, sooner than the pause ends
        worker.now += 0.15
        worker.receive(1)
        while (batch := worker.dispatch.next(worker.now)) is not None:
            kinds.append(batch.kind)
            worker.end(batch, End.HELD_BACK, locked=range(len(batch.messages)))
    assert kinds.count(Kind.LOCKED) >= 2


def test_what_is_undecided_is_tried_again_soon_and_together(worker: Worker) -> None:
    worker.receive(3)
    worker.end(worker.next(), End.HELD_BACK, undecided=[1])
    worker.receive(3)
    worker.end(worker.next(), End.HELD_BACK, undecided=[0])

    tried: list[list[int]] = []
    for _ in range(6):
        due = worker.dispatch.due()
        assert due is not None
        batch = worker.next(max(0.0, due - worker.now))
        tried.append(sorted(batch.tags))
        worker.end(batch, End.HELD_BACK, undecided=range(len(batch.messages)))

    assert tried == [[3, 5]] * 6
    assert worker.now < 1_006
    worker.finish()


def test_suspects_go_alone_and_suspicion_ends(worker: Worker) -> None:
    # Given messages that the broker had back three times
    for tag in (2, 3, 4):
        worker.dispatch.receive(received(tag, returns=3), worker.now)
    worker.tag = 4
    batch = worker.next()
    assert (batch.tags, batch.quarantined, batch.hints()) == (
        [2, 3, 4],
        False,
        {"watched": True, "retried": True},
    )

    # When a process was lost with one of them before
    worker.end(batch, End.SUSPECTS, suspects=[1])

    # Then
    kinds = {}
    for _ in range(2):
        single = worker.next(0.1)
        kinds[tuple(single.tags)] = single.quarantined
        worker.end(single, End.APPLIED)
    assert kinds == {(3,): True, (2, 4): False}
    worker.finish()


def test_what_came_back_goes_again_after_a_pause_that_doubles(worker: Worker) -> None:
    worker.receive(2)
    batch, pauses = worker.next(), []
    for _ in range(40):
        worker.end(batch, End.AGAIN)
        due = worker.dispatch.due()
        assert due is not None
        pauses.append(due - worker.now)
        batch = worker.next(pauses[-1])

    assert [round(pause, 3) for pause in pauses[:4]] == [
        FIRST_RETRY,
        FIRST_RETRY * 2,
        FIRST_RETRY * 4,
        FIRST_RETRY * 8,
    ]
    assert round(max(pauses), 3) == LONGEST_RETRY == round(pauses[-1], 3)


def test_what_is_quarantined_stays_so(worker: Worker) -> None:
    worker.receive(1)
    worker.end(worker.next(), End.LOST)
    for end in (End.AGAIN, End.TOO_SLOW, End.LOST):
        batch = worker.next(LONGEST_RETRY)
        assert (batch.quarantined, batch.survived) == (True, end is not End.AGAIN)
        worker.end(batch, end)


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


def test_messages_go_at_once_while_there_is_little_to_do_and_gather_while_there_is() -> None:
    assert set(batches_of(20, takes=0.005)) == {1}
    assert max(batches_of(500, takes=0.005)) <= 8, "the budget is not spent where it gains little"
    assert 20 <= median(batches_of(500, takes=0.04)) <= 30, "all of the budget, and no more"
    assert set(batches_of(50, takes=0.04, budget=0.0)) <= {1, 2}
