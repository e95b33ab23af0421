"""What applying a batch may raise. `faults` tells which, `polder.consumer.dispatch` what becomes of
the batch then.

All of them travel from the pool's process to the worker's main one by pickle, so each is made again
from its arguments.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from polder.errors.faults import MOMENT, Fault, fault_of
from polder.errors.text import text_of


class TransientFailure(Exception):
    """Nothing is wrong with the events, and none was applied; the same ones are to be tried again,
    without limit."""

    def __init__(self, text: str, fault: Fault = Fault.BUSY) -> None:
        super().__init__(text, fault)
        self.fault = fault

    def __str__(self) -> str:
        return str(self.args[0])


class ConsumerHalted(Exception):
    """Nothing is wrong with the events, none was applied, and trying others will not help: somebody
    has to fix this service.

    `positions` are those in the batch that fail; None when the batch failed as a whole.
    """

    def __init__(self, text: str, positions: Sequence[int] | None = None) -> None:
        super().__init__(text, positions)
        self.positions = positions

    def __str__(self) -> str:
        return str(self.args[0])


class HeldBack(Exception):
    """All were applied but some, which are to be tried again. Their positions: `locked` need what
    somebody else holds; of the `undecided` it is not known yet whose fault it is that they fail."""

    def __init__(self, text: str, locked: Sequence[int], undecided: Sequence[int]) -> None:
        super().__init__(text, locked, undecided)
        self.locked = locked
        self.undecided = undecided
        self.ended: set[str] = set()  # as in Report

    def __str__(self) -> str:
        return str(self.args[0])


@contextmanager
def transient_if_of_the_moment(what: str = "") -> Iterator[None]:
    """Raises TransientFailure, beginning with `what`, for an error that is only the moment's."""
    try:
        yield
    except Exception as error:
        if (fault := fault_of(error)) not in MOMENT:
            raise
        raise TransientFailure(f"{what}{text_of(error)}", fault) from error
