"""Acks: everything up to a tag in one frame, as soon as nothing below it is still under way."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable
from typing import Protocol

PATIENCE = 1.0  # seconds that a finished message waits for the slower ones below it


class Channel(Protocol):
    def basic_ack(self, delivery_tag: int, multiple: bool = False) -> None: ...


class Acks:
    """The unacked tags of one channel, ascending. `channel` errors pass through: the connection is then to be dropped."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._unacked: deque[int] = deque()
        self._finished: set[int] = set()  # those of them that wait for a slower one below
        self._finished_since: float | None = None
        self._arrived: deque[tuple[int, float]] = deque()  # a tag with its time, for each second in which one came

    def received(self, tag: int) -> None:
        self._unacked.append(tag)
        now = time.monotonic()
        if not self._arrived or now - self._arrived[-1][1] >= 1.0:
            self._arrived.append((tag, now))

    def oldest(self) -> float:
        """For how many seconds, to the second, the first of the unacked has been here."""
        if not self._unacked:
            self._arrived.clear()
            return 0.0
        while len(self._arrived) > 1 and self._arrived[1][0] <= self._unacked[0]:
            self._arrived.popleft()
        return time.monotonic() - self._arrived[0][1]

    def finished(self, tags: Iterable[int]) -> None:
        """These are committed. Acks them with all below, or keeps them until those are finished as well."""
        self._finished.update(tags)
        last = 0
        while self._unacked and self._unacked[0] in self._finished:
            last = self._unacked.popleft()
            self._finished.remove(last)
        if last:
            self._channel.basic_ack(last, multiple=True)
        self._finished_since = (self._finished_since or time.monotonic()) if self._finished else None

    def ack_stragglers(self, patience: float = PATIENCE) -> None:
        """Acks one by one what has waited for long, as it does while a batch below is tried again and again."""
        if self._finished_since is None or time.monotonic() - self._finished_since < patience:
            return
        for tag in sorted(self._finished):
            self._channel.basic_ack(tag)
        self._unacked = deque(tag for tag in self._unacked if tag not in self._finished)
        self._finished.clear()
        self._finished_since = None
