"""What the checker and the watcher report."""

from __future__ import annotations

from typing import NamedTuple


class Violation(NamedTuple):
    invariant: str
    where: str
    detail: str
