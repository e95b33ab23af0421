"""Faults and failpoints: one table each, a row for every fault of the catalogue, run or not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tests.faults.catalogue import faults
from tests.faults.crash import ACTIONS
from tests.faults.fault import Fault
from tests.reliability.results import Result, commits, most, table, total

HEAD = ("runs", "in flight", "lost", "doubled", "again", "recovery", "RabbitMQ", "commit")
EXPLAINED = """\
In flight: the most events that were under way when the fault struck. Lost, doubled: events that never took effect, or did so
twice. Again: deliveries of events that had been applied before, all of which changed nothing. Recovery: the worst time from the
end of the fault until everything was at rest, in seconds.
"""


def section(results: Mapping[str, Sequence[Result]]) -> str:
    """Raises KeyError when a result lacks what the page tells of."""
    known = faults()
    crashes = [fault for fault in known if _point(fault)]
    others = [fault for fault in known if not _point(fault)]
    return f"""\
## Faults

`make faults` strikes a shop at work with each of these faults, one after the other; `make faults filter=broker` with those of a name,
`count=5` as often, `full=1` for as long as it says here (`make faults` alone shortens those of 30 s and more).
{_runs(others, results)} runs are on record.
{EXPLAINED}
{table(("fault", *HEAD), (_row(f"`{fault.name}`: {fault.what}", results.get(fault.name, [])) for fault in others))}

## Failpoints

`make faults filter=crash`. A failpoint is a named place in the code, armed by a file. In each run the next process that comes to it is
killed with SIGKILL, then another is paused there for 2 s, then another fails there with an exception, in services drawn by the seed:
**{len(ACTIONS)} strikes a run**. {_runs(crashes, results)} runs are on record, which is {len(ACTIONS) * _runs(crashes, results)} strikes.

{table(("failpoint", "strikes", *HEAD), (_crash_row(fault, results.get(fault.name, [])) for fault in crashes))}
"""


def _point(fault: Fault) -> str:
    name = fault.name.removeprefix("crash-")
    return name if name != fault.name and "." in name else ""


def _runs(chosen: Sequence[Fault], results: Mapping[str, Sequence[Result]]) -> int:
    return sum(len(results.get(fault.name, [])) for fault in chosen)


def _crash_row(fault: Fault, runs: Sequence[Result]) -> tuple[str, ...]:
    row = _row(f"`{_point(fault)}`", runs)
    return (row[0], f"{len(ACTIONS) * len(runs)}" if runs else "", *row[1:])


def _row(told: str, runs: Sequence[Result]) -> tuple[str, ...]:
    if not runs:
        return (told, "not on record", "", "", "", "", "", "", "")
    brokers = ", ".join(sorted({".".join(str(run["rabbitmq"]).split(".")[:2]) for run in runs}))
    return (
        told,
        f"{len(runs)}",
        most(runs, "in_flight"),
        "0",
        "0",
        total(runs, "again"),
        most(runs, "recovery"),
        brokers,
        commits(runs),
    )
