"""The way out of a change that breaks somebody: a new version, and the upcast that it needs."""

from __future__ import annotations

import inspect
import re

from polder.contracts.compatibility import Change
from polder.contracts.event import Event


def new_version(kind: type[Event], change: Change) -> str:
    """The lines to add to the contract."""
    owner = _declares(kind)
    old, new = kind.schema_version, kind.schema_version + 1
    if not change.path.startswith("data"):
        return "The members around `data` are the same for every event: leave them as they were."
    member = change.path.removeprefix("data.")
    return f"""In {owner.__module__}, on {owner.__name__}: schema_version = {new}; and after it

@upcast({owner.__name__}, from_version={old})
def _{_snake(owner.__name__)}_{new}(data: Data) -> Data:
    # {member}: {change.what}
    return {{**data, ...: ...}}  # as version {new} has it

Deploy who reads it first; what they get too early is parked and redriven by itself."""


def deprecation(event: str) -> str:
    return f"keep the class {event} as long as events of it may wait; just publish none"


def _declares(kind: type[Event]) -> type[Event]:
    """The class that names the state: the base of the aggregate's events, as a rule."""
    for base in kind.__mro__:
        if "data" in inspect.get_annotations(base):
            return base
    return kind


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
