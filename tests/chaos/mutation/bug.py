"""A bug that is planted into a copy of the code."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.chaos.mutation.edited_copy import Edit
from tests.chaos.scene import Scene


@dataclass(frozen=True)
class Bug:
    """Either `inject` disturbs a shop made of the copy, or the tests named by `tests` (`python -m
    tests ...`) are run on it."""

    name: str
    edits: tuple[Edit, ...]
    expected: str  # the invariant, or the test, that has to catch it; others may besides
    inject: Callable[[Scene], None] | None = None
    tests: tuple[str, ...] = ()
