"""Orders of arrival: whatever a test says about events must hold for every one of them."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from itertools import permutations
from typing import TypeVar

T = TypeVar("T")


def shuffled(items: Iterable[T], seed: int) -> list[T]:
    """The same items in another order; the same order for the same seed."""
    mixed = list(items)
    random.Random(seed).shuffle(mixed)  # noqa: S311 (nobody is to be kept from guessing it)
    return mixed


def arrangements(items: Iterable[T]) -> Iterator[tuple[T, ...]]:
    """Every order there is; for up to six items or so."""
    yield from permutations(items)
