"""Batches that are told how they ended, and a clock that the test moves."""

from __future__ import annotations

from polder.consumer.batch import (
    LINGER,
    Batch,
    Received,
)
from polder.consumer.dispatch import Dispatch, Ended
from polder.consumer.transitions import End, Mode
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
        self.dispatch, self.now, self.tag, self.done = Dispatch(0.15), 1_000.0, 0, set[int]()
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

    def finish_under_way(self) -> None:
        for batch in list(self.dispatch.under_way):
            self.end(batch, End.APPLIED)

    def finish(self) -> None:
        """All succeeds from now on."""
        for _ in range(500):
            self.now += 0.5
            while (batch := self.dispatch.next(self.now)) is not None:
                self.end(batch, End.APPLIED)
        assert self.done == set(range(1, self.tag + 1))
