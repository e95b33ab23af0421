"""Being told to stop: a flag that a signal handler may set at any moment, and that any thread may
wait for.

Not a threading.Event: a handler runs between two instructions of the main thread, which may just
hold the event's lock in `wait()`; `set()` would then wait for it for ever. Here a handler takes no
lock. It sets a flag and writes a byte to a pipe.
"""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Iterable
from contextlib import suppress


class Stop:
    """May be set once, from a signal handler or any thread, and stays set."""

    def __init__(self) -> None:
        self._is_set = False
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._writer, False)

    def __del__(self) -> None:
        for end in (self._reader, self._writer):
            with suppress(OSError):
                os.close(end)

    def set(self) -> None:
        """Takes no lock and never waits: a full pipe has been written to before."""
        self._is_set = True
        with suppress(BlockingIOError):
            os.write(self._writer, b"!")

    def is_set(self) -> bool:
        return self._is_set

    def wait(self, timeout: float | None = None, *, beside: int | None = None) -> bool:
        """Until it is set, for so many seconds, or until there is something to read from the file
        descriptor `beside`; whether it is set. Nothing is read from the pipe, so it wakes
        everybody."""
        if not self._is_set:
            poll = select.poll()
            poll.register(self._reader, select.POLLIN)
            if beside is not None:
                poll.register(beside, select.POLLIN)
            poll.poll(None if timeout is None else timeout * 1000)
        return self._is_set


def stop_on(numbers: Iterable[signal.Signals] = (signal.SIGTERM, signal.SIGINT)) -> Stop:
    """A `Stop` that these signals set from now on. To be called in the main thread."""
    stop = Stop()
    for number in numbers:
        signal.signal(number, lambda *_: stop.set())
    return stop
