"""A fault: its name, what it does, and whether it may strike in a storm. The catalogue is whatever
was registered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from tests.faults.scene import Scene

Strike = Callable[[Scene], None]


@dataclass(frozen=True)
class Fault:
    """`strike` returns when the fault is over. `what` is one line for the report. `stormy`: short,
    and bears others beside it. `quick`: the one of its kind that `make faults short=1`, and so
    CI, runs. `cluster`: strikes a shop whose broker has three nodes."""

    name: str
    what: str
    strike: Strike
    stormy: bool
    network: bool  # needs a network and mounts of its own, with nftables
    disorders: bool  # brings events onto the wire in another order
    quick: bool
    cluster: bool


FAULTS: dict[str, Fault] = {}
NO_KIND = {"stormy": False, "network": False, "disorders": False, "quick": False, "cluster": False}


def register(strike: Strike, *, name: str = "", what: str = "", **kinds: bool) -> None:
    """`kinds` are the flags of Fault that are set. Raises ValueError for a name that is taken."""
    name = name or strike.__name__.replace("_", "-")
    if name in FAULTS:
        raise ValueError(f"there is a fault {name} already")
    told = what or " ".join((strike.__doc__ or "").partition("\n\n")[0].split()).rstrip(".")
    FAULTS[name] = Fault(name, told, strike, **(NO_KIND | kinds))


def fault(**kinds: bool) -> Callable[[Strike], Strike]:
    """Registers the function under its own name; its docstring begins with what it does."""

    def decorate(strike: Strike) -> Strike:
        register(strike, **kinds)
        return strike

    return decorate


def at(function: Callable[..., None], *arguments: object) -> Strike:
    """The function with its first arguments bound, as a strike."""
    return partial(function, *arguments)
