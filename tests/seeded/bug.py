"""A seeded bug: what is wrong with the copy, and what is done to the shop so that it shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.edited_copy import Edit
from tests.faults.scene import Scene


@dataclass(frozen=True)
class Bug:
    """Either `strike` disturbs a shop made of the copy, or the tests named by `tests` (`python -m
    tests ...`) are run on it."""

    name: str
    edits: tuple[Edit, ...]
    expected: str  # the invariant, or the test, that has to catch it; others may besides
    strike: Callable[[Scene], None] | None = None
    tests: tuple[str, ...] = ()
