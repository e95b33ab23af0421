"""A kind of chaos run, and what its command line may say."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Iterable
from typing import NamedTuple


class Kind(NamedTuple):
    """`run` returns what failed, one line each. `names` lists what `filter` chooses from, with what
    each is. `own_network`: it cuts networks and fills disks, in namespaces of its own."""

    what: str
    run: Callable[[Namespace], list[str]]
    names: Callable[[], Iterable[tuple[str, str]]] = lambda: ()
    own_network: bool = False


def matches(name: str, wanted: str) -> bool:
    """Whether the name has one of the words, such as "broker" or "kill or crash"."""
    return any(word in name for word in wanted.split(" or "))
