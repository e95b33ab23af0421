"""Batch and Waiting: what goes to the pool together, and what goes again."""

from __future__ import annotations

from common.inbox.delivery import Delivery
from common.intake.batch import BATCH_BYTES, BATCH_EVENTS, FIRST_RETRY, LINGER, LONGEST_RETRY, Batch, Received, Waiting


def received(tag: int, *, kind: str = "OrderCreated", publisher: str = "order", size: int = 10) -> Received:
    return Received(tag, kind, Delivery(f"inventory.from.{publisher}", publisher, b"x" * size, 0.0))


def many(number: int) -> list[Received]:
    return [received(tag) for tag in range(1, number + 1)]


def test_a_few_wait_a_little_for_others() -> None:
    waiting = Waiting()
    assert (waiting.take(0.0), waiting.next_due(0.0)) == (None, None)

    waiting.add(received(1), 0.0)
    waiting.add(received(2), LINGER / 2)

    assert waiting.take(LINGER / 2) is None
    assert waiting.next_due(0.0) == LINGER
    batch = waiting.take(LINGER)
    assert batch is not None
    assert batch.tags == [1, 2]
    assert waiting.take(9.0) is None


def test_many_go_at_once_in_their_order() -> None:
    waiting = Waiting()
    for message in many(BATCH_EVENTS + 3):
        waiting.add(message, 1.0)

    assert waiting.full
    batch = waiting.take(1.0)
    assert batch is not None
    assert batch.tags == list(range(1, BATCH_EVENTS + 1))
    assert not waiting.full
    assert waiting.take(1.0) is None


def test_large_ones_go_in_smaller_batches() -> None:
    waiting = Waiting()
    for tag in range(1, 4):
        waiting.add(received(tag, size=BATCH_BYTES - 1), 1.0)

    sizes = []
    while batch := waiting.take(2.0):
        sizes.append(len(batch.messages))

    assert sizes == [2, 1]
    assert not waiting.full


def test_one_larger_than_a_batch_goes_alone() -> None:
    waiting = Waiting()
    waiting.add(received(1, size=BATCH_BYTES * 2), 1.0)
    waiting.add(received(2), 1.0)

    batch = waiting.take(1.0)

    assert batch is not None
    assert batch.tags == [1]


def test_what_came_back_goes_again_after_a_pause_that_doubles() -> None:
    batch, pauses = Batch(many(2)), []
    for _ in range(40):
        batch = batch.again(100.0)
        pauses.append(batch.due - 100.0)

    assert [round(pause, 3) for pause in pauses[:4]] == [FIRST_RETRY, FIRST_RETRY * 2, FIRST_RETRY * 4, FIRST_RETRY * 8]
    assert max(pauses) == LONGEST_RETRY == pauses[-1]


def test_what_came_back_goes_first_when_it_is_due() -> None:
    waiting = Waiting()
    waiting.add(received(9), 1.0)
    waiting.put_back([Batch(many(2), due=2.0)])

    assert round(waiting.next_due(1.0) or 0, 6) == LINGER
    fresh = waiting.take(1.5)
    assert fresh is not None
    assert fresh.tags == [9]
    assert waiting.take(1.9) is None
    assert waiting.next_due(1.5) == 0.5
    again = waiting.take(2.0)
    assert again is not None
    assert again.tags == [1, 2]


def test_halved_until_one_is_alone() -> None:
    batches, steps = [Batch(many(5))], 0
    while any(len(batch.messages) > 1 for batch in batches):
        batches = [half for batch in batches for half in batch.halved(0.0)]
        steps += 1

    assert [tag for batch in batches for tag in batch.tags] == [1, 2, 3, 4, 5]
    assert steps == 3
    alone = Batch(many(1)).halved(0.0)
    assert [(batch.alone, batch.tags) for batch in alone] == [(True, [1])]
    assert alone[0].again(0.0).alone


def test_the_summary_tells_people_what_is_in_it() -> None:
    batch = Batch([received(1), received(2, kind="OrderConfirmed"), received(3), received(4, kind="StockChanged", publisher="inventory")])

    assert batch.summary() == "4 events from inventory, order: OrderCreated 2, OrderConfirmed 1, StockChanged 1"
