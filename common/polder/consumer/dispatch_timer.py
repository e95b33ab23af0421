"""When batches are handed over next: one timer of the event loop, moved forward when something is
due earlier."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

from polder.consumer.batch import LINGER


class DispatchTimer:
    """Calls `function` once for each time that it was set and not overtaken by a nearer one."""

    def __init__(
        self, call_after: Callable[[float, Any], Any], function: Callable[[], None]
    ) -> None:
        self._call_after = call_after
        self._function = function
        self._entry: object | None = None  # the one that counts; those overtaken do nothing
        self._due = 0.0

    def set(self, due: float) -> None:
        """`due` is monotonic. A retry far away must not keep fresh messages waiting, so a nearer
        time takes the place of a later one."""
        now = time.monotonic()
        due = max(due, now)
        if self._entry is not None and due >= self._due - LINGER:
            return
        self._entry, self._due = object(), due
        self._call_after(due - now, partial(self._fire, self._entry))

    def clear(self) -> None:
        self._entry = None

    def _fire(self, entry: object) -> None:
        if entry is self._entry:
            self._entry = None
            self._function()
