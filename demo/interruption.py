"""Ctrl-C at any moment: what was taken away is put back before the demo ends."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType

from demo.teller import Teller

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def heed_signals() -> None:
    """Being told to end, or losing the terminal, is as good as Ctrl-C."""
    for number in SIGNALS:
        signal.signal(number, _interrupt)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Signals pass over the block. They are handled, not ignored: programs that are begun in it would inherit that."""
    before = [signal.signal(number, lambda *_: None) for number in SIGNALS]
    try:
        yield
    finally:
        for number, handler in zip(SIGNALS, before, strict=True):
            signal.signal(number, handler)


@dataclass
class Debts:
    """What has to be put back. `settle()` at the very end does what no block has done: a signal may come between any two lines."""

    teller: Teller
    owed: dict[str, Callable[[], object]] = field(default_factory=dict)

    @contextmanager
    def putting_back(self, title: str, put_back: Callable[[], object]) -> Iterator[None]:
        """Whatever happens in the block, `put_back` runs at its end, told as `title`, and no signal interrupts it."""
        self.owed[title] = put_back
        try:
            yield
        finally:
            self._settle(title)

    def settle(self) -> None:
        for title in list(self.owed):
            self._settle(title)

    def _settle(self, title: str) -> None:
        with uninterrupted():
            put_back = self.owed.pop(title, None)
            if put_back is not None:
                with self.teller.step(title):
                    put_back()
