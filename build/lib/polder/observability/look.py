"""One bounded look at the database: it ends in time even where the database hangs, and many askers share it."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, InvalidStateError
from contextlib import suppress
from threading import Lock, Thread
from typing import Generic, TypeVar

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

T = TypeVar("T")
MOST_PER_SECOND = 50  # in a process; beyond, the last answer is given again, a second old at most


class TooSlow(Exception):
    """The look did not end in time; its connection has been cut off."""


class Look(Generic[T]):
    """`now()` gives what `look` returns, or raises what it raises, or TooSlow after so many seconds.

    Whoever asks while a look is under way waits for that one. For many threads.
    """

    def __init__(self, look: Callable[[], T], seconds: float) -> None:
        self._look, self._seconds = look, seconds
        self._second, self._looks = 0.0, 0
        self._lock = Lock()
        self._under_way: Future[T] | None = None
        self._last: Future[T] | None = None

    def now(self) -> T:
        with self._lock:
            if (under_way := self._under_way) is None:
                if self._too_many() and self._last is not None:
                    return self._last.result()
                mine = self._under_way = Future()
        if under_way is None:
            return self._begin(mine)
        try:
            return under_way.result(self._seconds)
        except (TimeoutError, CancelledError):
            raise TooSlow from None

    def _too_many(self) -> bool:
        if (now := time.monotonic()) - self._second > 1:
            self._second, self._looks = now, 0
        self._looks += 1
        return self._looks > MOST_PER_SECOND

    def _begin(self, mine: Future[T]) -> T:
        wrapper = connections["default"]
        try:
            Thread(target=self._run, args=(mine, wrapper), daemon=True).start()
            return mine.result(self._seconds)
        except TimeoutError:
            if not mine.cancel():
                return mine.result()  # it has just come
            _abandon(wrapper)
            raise TooSlow from None
        finally:
            with self._lock:
                self._under_way = None
                self._last = self._last if mine.cancelled() else mine

    def _run(self, future: Future[T], wrapper: BaseDatabaseWrapper) -> None:
        """On the asker's own connection, so that it sees what the asker sees, and no thread needs a second one."""
        wrapper.inc_thread_sharing()
        connections["default"] = wrapper
        try:
            _fill(future, self._look)
        except InvalidStateError:  # the asker has gone
            with suppress(Exception):
                wrapper.close()
        finally:
            del connections["default"]
            wrapper.dec_thread_sharing()


def _fill(future: Future[T], look: Callable[[], T]) -> None:
    try:
        found = look()
    except BaseException as error:
        future.set_exception(error)
    else:
        future.set_result(found)


def _abandon(wrapper: BaseDatabaseWrapper) -> None:
    """The thread that hangs keeps the connection, which ends at once; this thread gets a new one when it needs one."""
    del connections["default"]
    with suppress(Exception), socket.socket(fileno=os.dup(wrapper.connection.fileno())) as theirs:
        theirs.shutdown(socket.SHUT_RDWR)
