"""The page, from the results: one section for each kind."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from tests.chaos.faults.catalogue import faults
from tests.chaos.faults.crash import ACTIONS
from tests.chaos.faults.fault import Fault
from tests.chaos.mutation.bug import Bug
from tests.chaos.mutation.bugs import BUGS
from tests.chaos.report.results import FOLDER, Record, Result, read
from tests.chaos.report.texts import (
    FAILPOINTS,
    FAULTS,
    FUZZ,
    HEAD,
    MUTATION,
    NOT_INJECTED,
    SET_BACK,
    SIMULATION,
    SOAK,
    STORM,
)

COMMAND = "python -m tests.chaos.report"
SAID = 160  # characters of what a check said
SHOWN = 10  # relations of a soak
NOT_COUNTED = {"commit", "at", "seed", "runs"}
NOTHING = Record()


def page() -> str:
    """Raises OSError, ValueError or KeyError when a result file cannot be read."""
    found = FOLDER / "found.md"
    parts = (
        HEAD,
        of_faults(read("faults")),
        of_set_back(read("faults")),
        of_storm(read("storm").get("storm", NOTHING)),
        of_soak(read("soak").get("soak", NOTHING)),
        of_mutation(read("mutation")),
        of_simulation(read("simulation").get("simulation", NOTHING)),
        of_fuzz(read("fuzz").get("fuzz", NOTHING)),
        NOT_INJECTED,
        found.read_text() if found.exists() else "",
    )
    return "\n".join(f"{part.rstrip()}\n" for part in parts if part)


def of_faults(records: dict[str, Record]) -> str:
    crashes = [fault for fault in faults() if _point(fault)]
    others = [fault for fault in faults() if not _point(fault)]
    head = ["runs", "in flight", "lost", "doubled", "again", "recovery", "RabbitMQ", "commit"]
    runs, crashed = (
        sum(records.get(fault.name, NOTHING).runs for fault in some) for some in (others, crashes)
    )
    named = {fault.name: f"`{fault.name}`: {fault.what}" for fault in others}
    named |= {fault.name: f"`{_point(fault)}`" for fault in crashes}
    rows = {
        name: _of_fault(told, records.get(name, NOTHING), len(head)) for name, told in named.items()
    }
    return (
        FAULTS.format(runs=runs)
        + table(("fault", *head), (rows[fault.name] for fault in others))
        + FAILPOINTS.format(actions=len(ACTIONS), runs=crashed, injections=len(ACTIONS) * crashed)
        + table(("failpoint", *head), (rows[fault.name] for fault in crashes))
    )


def of_set_back(records: dict[str, Record]) -> str:
    runs = [
        (fault.name, run)
        for fault in faults()
        if fault.sets_back
        for run in records.get(fault.name, NOTHING).latest
    ]
    head = ("fault", "of seconds", "forgotten", "noticed after", "healed after", "commit")
    figures = ("traded", "forgotten", "noticed", "healed", "commit")
    rows = [(f"`{name}`", *(f"{run[figure]}" for figure in figures)) for name, run in runs]
    return SET_BACK + table(head, rows) if rows else ""


def _point(fault: Fault) -> str:
    name = fault.name.removeprefix("crash-")
    return name if name != fault.name and "." in name else ""


def _of_fault(told: str, record: Record, width: int) -> Sequence[str]:
    if not record.runs:
        return (told, "not on record", *[""] * (width - 1))
    brokers = sorted({".".join(str(run["rabbitmq"]).split(".")[:2]) for run in record.latest})
    return (
        told,
        f"{record.runs}",
        f"{max(run['in_flight'] for run in record.latest):,}",
        "0",
        "0",
        f"{record.totals['again']:,.0f}",
        f"{max(run['recovery'] for run in record.latest):,}",
        ", ".join(brokers),
        _commits(record),
    )


def of_storm(record: Record) -> str:
    totals = {"minutes": 0, "injected": 0} | record.totals
    head = [
        "seed",
        "minutes",
        "faults",
        "orders",
        "events",
        "effects",
        "again",
        "recovery",
        "invariants",
        "commit",
    ]
    rows = (
        (
            f"{run['seed']}",
            f"{run['minutes']:g}",
            *(f"{run[name]:,}" for name in ("injected", "orders", "events")),
            f"{run['effects']:,}" if "effects" in run else "not counted",
            f"{run['again']:,}",
            f"{run['recovery']}",
            "; ".join(run["failures"]) or "all hold",
            f"{run['commit']}",
        )
        for run in record.latest
    )
    told = STORM.format(runs=record.runs, minutes=totals["minutes"], faults=totals["injected"])
    return told + table(head, rows)


def of_soak(record: Record) -> str:
    if not record.latest:
        return SOAK.format(note="No run is on record.")
    newest = record.latest[-1]
    note = f"The last run: {newest['note']}." if newest["note"] else ""
    head = [
        "minutes",
        "orders/s",
        "orders",
        "events",
        "lag p50, p95, worst window's p95",
        "largest growth of a process",
        "connections",
        "disk per order",
        "judged",
        "commit",
    ]
    memory = sorted(newest["memory"].items(), key=lambda item: -item[1]["thirds"][2])
    used = (
        (name, *(f"{third:.0f}" for third in of["thirds"]), f"{of['highest']:.0f}")
        for name, of in memory
    )
    return (
        SOAK.format(note=note)
        + table(head, map(_of_soak, record.latest))
        + "\nMemory in the last of these runs, in MB:\n\n"
        + table(("processes", "first third", "second third", "last third", "highest"), used)
        + "\nWhere its disk went:\n\n"
        + table(("what", "grew by, MB", "bytes per event"), _disk(newest))
    )


def _of_soak(run: Result) -> Sequence[str]:
    growth = max(run["memory"], key=lambda name: run["memory"][name]["growth"])
    lag, servers = run["lag"], run["connections"]
    return (
        f"{run['minutes']:g}",
        f"{run['rate']:g}",
        f"{run['orders']:,}",
        f"{run['events']:,}",
        f"{lag['p50']:.2f} s, {lag['p95']:.2f} s, {lag['worst_p95']:.2f} s",
        f"{growth}: {run['memory'][growth]['growth']:+.1%}",
        f"PostgreSQL {servers['postgres']}, RabbitMQ {servers['rabbitmq']}",
        f"{run['disk']['per_order'] / 1000:.1f} kB",
        "; ".join(run["failures"]) or "all hold",
        f"{run['commit']}",
    )


def _disk(soak: Result) -> Iterator[Sequence[str]]:
    grown = sorted(soak["disk"]["grown"].items(), key=lambda item: -item[1])
    rest = sum(size for _, size in grown[SHOWN:])
    for name, size in [*grown[:SHOWN], (f"{len(grown) - SHOWN} others", rest)]:
        if size:
            yield (name, f"{size / 1e6:.1f}", f"{size / max(1, soak['events']):.0f}")


def of_mutation(records: dict[str, Record]) -> str:
    head = ["bug", "has to be caught by", "caught", "also by", "after", "the check said", "commit"]
    return MUTATION + table(
        head, (_of_bug(bug, records.get(bug.name, NOTHING), len(head)) for bug in BUGS)
    )


def _of_bug(bug: Bug, record: Record, width: int) -> Sequence[str]:
    if not record.latest:
        return (bug.name, f"`{bug.expected}`", "not on record", *[""] * (width - 3))
    run = record.latest[-1]
    said = str(run["first"]).replace("\n", " ").replace("`", "")
    return (
        bug.name,
        f"`{bug.expected}`",
        "yes" if run["caught"] else "**no**",
        ", ".join(by for by in run["by"] if by != bug.expected),
        f"{run['events']:,} events" if run["events"] else f"{run['tests']} tests",
        f"`{said[:SAID]}{'…' if len(said) > SAID else ''}`",
        f"{run['commit']}",
    )


def of_simulation(record: Record) -> str:
    rows = (
        (
            f"{run['seed']}",
            f"{run.get('runs', 0):,}",
            ", ".join(f"{n:,} {what}" for what, n in run.items() if what not in NOT_COUNTED),
            f"{run['commit']}",
        )
        for run in record.latest
    )
    told = SIMULATION.format(runs=record.totals.get("runs", 0))
    return told + table(("seed", "runs", "what was done", "commit"), rows)


def of_fuzz(record: Record) -> str:
    head = [
        "seed",
        "messages",
        "outcomes",
        "orders beside",
        "lost",
        "worst lag",
        "memory: a quarter",
        "the end",
        "commit",
    ]
    rows = (
        (
            f"{run['seed']}",
            f"{run['sent']:,}",
            ", ".join(f"{number:,} {name}" for name, number in run["outcomes"].items()),
            f"{run['orders']:,}",
            f"{run['lost']}",
            f"{run['worst_lag']:.2f} s",
            *(f"{run[name] / 1024:.0f} MB" for name in ("memory_quarter", "memory_end")),
            f"{run['commit']}",
        )
        for run in record.latest
    )
    return FUZZ.format(sent=record.totals.get("sent", 0)) + table(head, rows)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Nothing when there is no row."""
    lines = [f"| {' | '.join(cell.replace('|', '&#124;') for cell in row)} |" for row in rows]
    head_lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    return "\n".join([*head_lines, *lines, ""]) if lines else ""


def _commits(record: Record) -> str:
    return ", ".join(dict.fromkeys(str(run["commit"]) for run in record.latest))
