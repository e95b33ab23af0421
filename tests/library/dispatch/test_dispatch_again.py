"""What goes again, and when."""

from __future__ import annotations

from polder.consumer.batch import (
    FIRST_RETRY,
    LONGEST_RETRY,
    Kind,
)
from polder.consumer.transitions import End
from tests.library.dispatch.worker import Worker, received


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
    worker.receive(1)
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


def test_what_the_moment_never_lets_pass_is_found_and_the_others_are_through(
    worker: Worker,
) -> None:
    worker.receive(400)
    first, tries = set(worker.done), 0
    while len(worker.done - first) < 399:
        batch, tries = worker.next(LONGEST_RETRY), tries + 1
        worker.end(batch, End.AGAIN if 77 in batch.tags else End.APPLIED)

    assert tries < 80
    for _ in range(10):
        batch = worker.next(LONGEST_RETRY)
        assert batch.tags == [77]
        worker.end(batch, End.AGAIN)
    worker.finish()


def test_what_is_quarantined_stays_so(worker: Worker) -> None:
    worker.receive(1)
    worker.end(worker.next(), End.LOST)
    for end in (End.AGAIN, End.TOO_SLOW, End.LOST):
        batch = worker.next(LONGEST_RETRY)
        assert (batch.quarantined, batch.survived) == (True, end is not End.AGAIN)
        worker.end(batch, end)
