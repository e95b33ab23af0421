"""Text that no log, traceback or listing of the settings shows."""

from __future__ import annotations


class Secret(str):
    """A str to whoever uses it; its `repr` tells nothing, whatever it stands in: settings, local variables, an exception."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"
