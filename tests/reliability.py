"""Writes docs/reliability.md from the results in docs/reliability/, or checks that it was: `python -m tests.reliability [--check]`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from deploy.local.stack import ROOT
from tests.faults.catalogue import faults

RESULTS = ROOT / "docs" / "reliability"
PAGE = ROOT / "docs" / "reliability.md"
COMMAND = "python -m tests.reliability"

Result = Mapping[str, Any]

HEAD = f"""\
# Reliability

What was done to the services while they worked, and what came of it. This page is written by `{COMMAND}` from the result
files in [reliability/](reliability); `make check` fails when it says anything else than they do.

Every run is a whole shop: PostgreSQL, RabbitMQ, and web, worker, relay, housekeeper and beat of three services. Customers
order and cancel, a warehouse dispatches and delivers, a merchant receives stock and changes prices, before, during and
after the fault. Then everything has to come to rest in time, and all [invariants](invariants.md) have to hold. **A run in
which one event was lost, or took effect twice, is a failed run**, and is mended and not listed; what was found that way
is told at the end.
"""

NOT_INJECTED = """\
## Not injected

| fault | why |
|---|---|
| power loss | kill -9 leaves the page cache alone, so it cannot show a missing fsync. Nothing here says that a power cut loses nothing |
| a cluster of three brokers, its leader killed, a minority paused | not run yet |
| RabbitMQ 4.x | not run: the servers here are 3.10 |
| the disk of PostgreSQL full | not run yet; the disk alarm of the broker is |
| a replica truncated and rebuilt, crashing half-way through a resync | there is no resync yet |
| versions 1 and 2 of an event side by side, then rolled back | there is no second version of any event yet |
"""


def page() -> str:
    """The whole page. Raises OSError when a result file cannot be read."""
    parts = [HEAD, _faults(_read("faults", {})), _storms(_read("storms", [])), NOT_INJECTED]
    found = RESULTS / "found.md"
    if found.exists():
        parts.append(found.read_text())
    return "\n".join(part for part in parts if part)


def _read(name: str, default: Any) -> Any:
    path = RESULTS / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else default


def _faults(results: Mapping[str, Sequence[Result]]) -> str:
    known = faults()
    runs = [run for fault in known for run in results.get(fault.name, [])]
    return "\n".join(
        [
            "## Faults",
            "",
            f"`make faults` runs them, `make faults k=broker` those of a name, `full=1` at their full length. {len(runs)} runs are on record.",
            "In flight: the most events that were under way when the fault struck. Again: deliveries of events that had been applied before,",
            "all of which changed nothing. Recovery: the worst time from the end of the fault until everything was at rest, in seconds.",
            "",
            *_table(
                ("fault", "runs", "in flight", "lost", "doubled", "again", "recovery", "commit"), (_fault(f, results.get(f.name, [])) for f in known)
            ),
            "",
        ]
    )


def _fault(fault: Any, runs: Sequence[Result]) -> tuple[str, ...]:
    told = f"`{fault.name}`: {fault.what}"
    if not runs:
        return (told, "none yet", "", "", "", "", "", "")
    return (told, f"{len(runs)}", _most(runs, "in_flight"), "0", "0", _sum(runs, "again"), _most(runs, "recovery"), _commits(runs))


def _storms(storms: Sequence[Result]) -> str:
    if not storms:
        return ""
    minutes = sum(storm["minutes"] for storm in storms)
    rows = (
        (
            f"{storm['seed']}",
            f"{storm['minutes']:g}",
            f"{storm['blows']}",
            f"{storm['orders']:,}",
            f"{storm['events']:,}",
            f"{storm['again']:,}",
            f"{storm['recovery']}",
            "; ".join(storm["failures"]) or "all hold",
            f"{storm['commit']}",
        )
        for storm in storms
    )
    return "\n".join(
        [
            "## Storms",
            "",
            "`make storm minutes=10 seed=1`: faults drawn by the seed strike every 5 to 10 seconds, a quarter of the time two at once.",
            f"{minutes:g} minutes over {len({storm['seed'] for storm in storms})} seeds are on record, with "
            f"{sum(sum(storm['struck'].values()) for storm in storms)} faults.",
            "",
            *_table(("seed", "minutes", "blows", "orders", "events", "again", "recovery", "invariants", "commit"), rows),
            "",
        ]
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def _most(runs: Sequence[Result], name: str) -> str:
    return f"{max(run[name] for run in runs):,}"


def _sum(runs: Sequence[Result], name: str) -> str:
    return f"{sum(run[name] for run in runs):,}"


def _commits(runs: Sequence[Result]) -> str:
    return ", ".join(dict.fromkeys(str(run["commit"]) for run in runs))


def main() -> int:
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(page())
        return 0
    if PAGE.exists() and PAGE.read_text() == page():
        return 0
    print(f"{PAGE.relative_to(ROOT)} does not say what the results say; write it anew with {COMMAND}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
