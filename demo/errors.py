"""How a demo ends when it does not end well."""

from __future__ import annotations

from collections.abc import Sequence

from outside.comparison import Difference


class DemoFailed(Exception):
    """The message says what, and what to do about it."""


class Differs(DemoFailed):
    """Rows of owner and replica that do not become equal."""

    def __init__(self, differences: Sequence[Difference], rows: int) -> None:
        super().__init__(f"{len(differences)} of {rows} rows differ from their owner's")
        self.differences = differences
