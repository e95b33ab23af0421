"""Seeded bugs: what caught each of them."""

from __future__ import annotations

from collections.abc import Mapping

from tests.reliability.results import Result, table
from tests.seeded.bugs import BUGS

SAID = 160  # characters of what the check said
HEAD = ("bug", "has to be caught by", "caught", "also by", "after", "the check said", "commit")


def section(verdicts: Mapping[str, Result]) -> str:
    """Raises KeyError when a result lacks what the page tells of."""
    return f"""\
## Seeded bugs

`make seeded` plants one bug at a time into a copy of the code and either runs a whole shop of the copy under load, strikes it with a
fault, waits for rest and asks the checker; or, for a bug that shows at one moment only, runs the test that watches that moment.
A bug counts as caught only by the invariant or the test that has to catch it. After: how many events the shop had committed when
the checker was asked, or how many tests were run.

One more is on the list of I17 and cannot be planted yet: a repair that is skipped at an equal version, for there is no repair to skip.

{table(HEAD, (_row(bug.name, bug.expected, verdicts.get(bug.name)) for bug in BUGS))}
"""


def _row(name: str, expected: str, verdict: Result | None) -> tuple[str, ...]:
    if verdict is None:
        return (name, f"`{expected}`", "not on record", "", "", "", "")
    others = ", ".join(by for by in verdict["by"] if by != expected)
    after = f"{verdict['events']:,} events" if verdict["events"] else f"{verdict['tests']} tests"
    first = str(verdict["first"]).replace("\n", " ")
    said = f"{first[:SAID]}…" if len(first) > SAID else first
    return (
        name,
        f"`{expected}`",
        "yes" if verdict["caught"] else "**no**",
        others,
        after,
        f"`{said.replace('`', '')}`",
        str(verdict["commit"]),
    )
