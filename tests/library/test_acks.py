"""Acks never pass a message that is not finished."""

from __future__ import annotations

import random
from types import SimpleNamespace

import pytest

from polder.consumer import acks as acks_module
from polder.consumer.acks import PATIENCE, Acks


class Broker:
    """Remembers what it was told to forget."""

    def __init__(self) -> None:
        self.frames: list[tuple[int, bool]] = []
        self.unacked: list[int] = []

    def basic_ack(self, delivery_tag: int, multiple: bool = False) -> None:
        self.frames.append((delivery_tag, multiple))
        self.unacked = [
            tag for tag in self.unacked if (tag > delivery_tag if multiple else tag != delivery_tag)
        ]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1_000.0]
    monkeypatch.setattr(acks_module, "time", SimpleNamespace(monotonic=lambda: now[0]))
    return now


def unacked(broker: Broker, number: int) -> Acks:
    acks = Acks(broker)
    for tag in range(1, number + 1):
        broker.unacked.append(tag)
        acks.received(tag)
    return acks


def test_a_batch_in_one_frame() -> None:
    broker = Broker()

    unacked(broker, 5).finished([1, 2, 3])

    assert broker.frames == [(3, True)]
    assert broker.unacked == [4, 5]


def test_not_beyond_an_unfinished_one() -> None:
    broker = Broker()
    acks = unacked(broker, 5)

    acks.finished([2, 3])
    assert broker.frames == []
    acks.finished([5])
    assert broker.frames == []
    acks.finished([1])

    assert broker.frames == [(3, True)]
    assert broker.unacked == [4, 5]


def test_stragglers_go_one_by_one_after_a_while(clock: list[float]) -> None:
    # Given the first is tried again and again
    broker = Broker()
    acks = unacked(broker, 4)
    acks.finished([2, 4])

    # When
    acks.ack_stragglers()
    assert broker.frames == []
    clock[0] += PATIENCE
    acks.ack_stragglers()
    acks.ack_stragglers()

    # Then
    assert broker.frames == [(2, False), (4, False)]
    assert broker.unacked == [1, 3]
    acks.finished([1, 3])
    assert broker.unacked == []


@pytest.mark.parametrize("seed", range(20))
def test_whatever_the_order_nothing_unfinished_is_acked(clock: list[float], seed: int) -> None:
    chance = random.Random(seed)
    broker = Broker()
    acks = unacked(broker, 50)
    left = list(range(1, 51))
    while left:
        done = chance.sample(left, min(len(left), chance.randint(1, 7)))
        left = [tag for tag in left if tag not in done]
        acks.finished(done)
        clock[0] += chance.choice([0.0, 0.6])
        acks.ack_stragglers()
        assert set(left) <= set(broker.unacked)
    assert broker.unacked == []
