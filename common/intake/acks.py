"""Acks: everything up to a tag in one frame, as soon as nothing below it is still under way."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Protocol

PATIENCE = 1.0  # seconds that a finished message waits for the slower ones below it


class Channel(Protocol):
    def basic_ack(self, delivery_tag: int, multiple: bool = False) -> None: ...


class Acks:
    """The unacked tags of one channel, ascending. `channel` errors pass through: the connection is then to be dropped."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._unacked: dict[int, bool] = {}  # tag -> finished
        self._finished_since: float | None = None  # the oldest finished one that waits

    def received(self, tag: int) -> None:
        self._unacked[tag] = False

    def finished(self, tags: Iterable[int]) -> None:
        """These are committed. Acks them with all below, or keeps them until those are finished as well."""
        for tag in tags:
            self._unacked[tag] = True
        last = 0
        while self._unacked and (tag := next(iter(self._unacked))) and self._unacked[tag]:
            last = tag
            del self._unacked[tag]
        if last:
            self._channel.basic_ack(last, multiple=True)
        waiting = any(self._unacked.values())
        self._finished_since = (self._finished_since or time.monotonic()) if waiting else None

    def ack_stragglers(self, patience: float = PATIENCE) -> None:
        """Acks one by one what has waited for long, as it does while a batch below is tried again and again."""
        if self._finished_since is None or time.monotonic() - self._finished_since < patience:
            return
        for tag in [tag for tag, finished in self._unacked.items() if finished]:
            self._channel.basic_ack(tag)
            del self._unacked[tag]
        self._finished_since = None
