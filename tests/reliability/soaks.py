"""Soaks: what a long run at a steady rate used, and where the growth of the disks comes from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tests.reliability.results import Result, table

HEAD = (
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
)
SHOWN = 10  # relations and processes of the newest run


def section(soaks: Sequence[Result]) -> str:
    """Raises KeyError when a result lacks what the page tells of."""
    if not soaks:
        return "## Soak\n\n`make soak minutes=30`: none is on record.\n"
    return f"""\
## Soak

`make soak minutes=30`: a ramp finds the highest rate of orders that the machine bears with everything on it, the customers included;
that rate (or `rate=`) is then held. Every order is placed, reserved, prepared, dispatched and delivered. Judged: the memory (PSS) of each process in
the last third of the time against the second third, connections, lag from the making of an event to its being applied, the
backlog; then every invariant. {" ".join(_shared(soaks[-1]))}

{table(HEAD, (_row(soak) for soak in soaks))}

Memory in the last of these runs, in MB:

{table(("processes", "first third", "second third", "last third", "highest"), _memory(soaks[-1]))}

Where its disk went, bytes per event:

{table(("what", "grew by, MB", "bytes per event"), _disk(soaks[-1]))}
"""


def _shared(soak: Result) -> Iterator[str]:
    if soak["note"]:
        yield f"The last run: {soak['note']}."


def _row(soak: Result) -> tuple[str, ...]:
    growth = max(soak["memory"], key=lambda name: soak["memory"][name]["growth"])
    lag = soak["lag"]
    return (
        f"{soak['minutes']:g}",
        f"{soak['rate']:g}",
        f"{soak['orders']:,}",
        f"{soak['events']:,}",
        f"{lag['p50']:.2f} s, {lag['p95']:.2f} s, {lag['worst_p95']:.2f} s",
        f"{growth}: {soak['memory'][growth]['growth']:+.1%}",
        f"PostgreSQL {soak['connections']['postgres']}, RabbitMQ {soak['connections']['rabbitmq']}",
        f"{soak['disk']['per_order'] / 1000:.1f} kB",
        "; ".join(soak["failures"]) or "all hold",
        f"{soak['commit']}",
    )


def _memory(soak: Result) -> Iterator[tuple[str, ...]]:
    for name, used in sorted(soak["memory"].items(), key=lambda item: -item[1]["thirds"][2]):
        yield (name, *(f"{third:.0f}" for third in used["thirds"]), f"{used['highest']:.0f}")


def _disk(soak: Result) -> Iterator[tuple[str, ...]]:
    grown = sorted(soak["disk"]["grown"].items(), key=lambda item: -item[1])
    for name, size in grown[:SHOWN]:
        yield (name, f"{size / 1e6:.1f}", f"{size / max(1, soak['events']):.0f}")
    if rest := sum(size for _, size in grown[SHOWN:]):
        yield (
            f"{len(grown) - SHOWN} others",
            f"{rest / 1e6:.1f}",
            f"{rest / max(1, soak['events']):.0f}",
        )
