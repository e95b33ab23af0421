"""Old versions of `data`, lifted one step at a time to the version that the code knows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from polder.contracts.event import Event

Data = dict[str, Any]
_steps: dict[tuple[type, int], Callable[[Data], Data]] = {}
_changes: dict[tuple[type, int], Collection[str]] = {}


def upcast(
    event: type[Event], *, from_version: int, changes: Collection[str] = ()
) -> Callable[[Callable[[Data], Data]], Callable[[Data], Data]]:
    """Registers the function that lifts `data` of `event` from `from_version` to the next version.
    Given an aggregate's base class, it does so for all events of the aggregate. `changes` names
    the members that it says otherwise, though both versions have them alike: `weightGrams`,
    `products[].price`."""

    def register(function: Callable[[Data], Data]) -> Callable[[Data], Data]:
        _steps[event, from_version] = function
        _changes[event, from_version] = changes
        return function

    return register


def registered() -> Mapping[tuple[type, int], Callable[[Data], Data]]:
    """Every step, by the class that it was registered for and the version that it leads from."""
    return _steps


def changed_by(event: type[Event], from_version: int) -> Collection[str]:
    """The members that the step from that version says otherwise on purpose."""
    kinds = (kind for kind in event.__mro__ if (kind, from_version) in _steps)
    return _changes.get((next(kinds, event), from_version), ())


def lift(event: type[Event], data: Data, *, version: int) -> Data:
    """`data` as it would have been written at the present version. Raises KeyError when a step is
    missing."""
    for before in range(version, event.schema_version):
        data = step(event, before)(data)
    return data


def step(event: type[Event], from_version: int) -> Callable[[Data], Data]:
    """What lifts `data` from that version to the next. Raises KeyError when nothing does."""
    for kind in event.__mro__:
        if found := _steps.get((kind, from_version)):
            return found
    raise KeyError(f"no upcast lifts {event.__name__} from version {from_version}")
