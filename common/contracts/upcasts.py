"""Old versions of `data`, lifted one step at a time to the version that the code knows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Data = dict[str, Any]
_steps: dict[tuple[str, int], Callable[[Data], Data]] = {}


def upcast(type_name: str, *, from_version: int) -> Callable[[Callable[[Data], Data]], Callable[[Data], Data]]:
    """Registers the function that lifts `data` of `type_name` from `from_version` to the next version."""

    def register(step: Callable[[Data], Data]) -> Callable[[Data], Data]:
        _steps[type_name, from_version] = step
        return step

    return register


def lift(type_name: str, data: Data, *, version: int, to: int) -> Data:
    """`data` as it would have been written at version `to`. Raises KeyError when a step is missing."""
    for step in range(version, to):
        data = _steps[type_name, step](data)
    return data
