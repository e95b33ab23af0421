"""A fault: its name, what it does, and whether it may be injected in a storm. The catalogue is
whatever was registered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from tests.chaos.scene import Scene

Injection = Callable[[Scene], Mapping[str, float] | None]  # what it has measured


@dataclass(frozen=True)
class Fault:
    """`inject` returns when the fault is over. `what` is one line for the report. `combines`:
    brief, and may be injected beside others. `short`: the one of its kind that
    `make chaos short=1`, and so CI, runs. `cluster`: needs a shop whose broker has three nodes.
    `sets_back`: it takes away what nobody else may, so it has a shop of its own, of which less can
    be asked afterwards."""

    name: str
    what: str
    inject: Injection
    combines: bool
    network: bool  # needs a network and mounts of its own, with nftables
    disorders: bool  # brings events onto the wire in another order
    short: bool
    cluster: bool
    sets_back: bool


FAULTS: dict[str, Fault] = {}
NO_KIND = {
    "combines": False,
    "network": False,
    "disorders": False,
    "short": False,
    "cluster": False,
    "sets_back": False,
}


def register(inject: Injection, *, name: str = "", what: str = "", **kinds: bool) -> None:
    """`kinds` are the flags of Fault that are set. Raises ValueError for a name that is taken."""
    name = name or inject.__name__.replace("_", "-")
    if name in FAULTS:
        raise ValueError(f"there is a fault {name} already")
    told = what or " ".join((inject.__doc__ or "").partition("\n\n")[0].split()).rstrip(".")
    FAULTS[name] = Fault(name, told, inject, **(NO_KIND | kinds))


def fault(**kinds: bool) -> Callable[[Injection], Injection]:
    """Registers the function under its own name; its docstring begins with what it does."""

    def decorate(inject: Injection) -> Injection:
        register(inject, **kinds)
        return inject

    return decorate


def at(function: Callable[..., Mapping[str, float] | None], *arguments: object) -> Injection:
    """The function with its first arguments bound, as an injection."""
    return partial(function, *arguments)
