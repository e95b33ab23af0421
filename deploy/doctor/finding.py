"""What a check says: one line, and the mend beside it."""

from __future__ import annotations

from typing import NamedTuple

FINE, NOTE, WRONG = "✓", "!", "✗"
PLAIN = {FINE: "ok", NOTE: "!", WRONG: "FAILED"}


class Finding(NamedTuple):
    """`WRONG`: `make up` would fail. `NOTE`: worth knowing; it starts all the same."""

    mark: str
    what: str
    mend: str = ""

    def line(self, unicode: bool = True) -> str:
        mark = self.mark if unicode else PLAIN[self.mark]
        mend = ("  → " if unicode else "  -> ") + self.mend if self.mend else ""
        return f"  {mark} {self.what}{mend}"


def fine(what: str) -> Finding:
    return Finding(FINE, what)


def note(what: str, mend: str = "") -> Finding:
    return Finding(NOTE, what, mend)


def wrong(what: str, mend: str) -> Finding:
    return Finding(WRONG, what, mend)
