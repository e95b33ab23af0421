"""Orders at the highest steady rate that this machine sustains (or at `rate`), each dispatched and
delivered, for minutes or hours. The machine should have nothing else to do.

Every ten seconds it looks at the memory of every process, the connections, the lag and what waits.
At the end nothing may have grown that should not, and every invariant must hold."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from tests.chaos.kind import Kind
from tests.chaos.report.results import record
from tests.chaos.soak.run import soak
from tests.standing import standing_shop
from tests.temporary import temporary_folder

MINUTES = 30.0
SHOWN = 12


def run(options: Namespace) -> list[str]:
    minutes = options.minutes or MINUTES
    with temporary_folder("soak") as folder, standing_shop(folder, watched=False) as standing:
        result = soak(standing, minutes, options.rate, lambda line: print(line, flush=True))
    _print(result)
    if options.record:
        record("soak", "soak", {"note": options.note, **result})
    failures: list[str] = result["failures"]
    return failures


def _print(result: dict[str, Any]) -> None:
    lag, disk = result["lag"], result["disk"]
    print(
        f"\n{result['orders']:,} orders and {result['events']:,} events in {result['minutes']:g} "
        f"minutes, {result['rate']:g} orders/s; lag p50 {lag['p50']:.2f} s, p95 {lag['p95']:.2f} "
        f"s, the worst window's p95 {lag['worst_p95']:.2f} s"
    )
    print("memory, MB: the median of each third, and the highest")
    for name, used in sorted(result["memory"].items(), key=lambda item: -item[1]["highest"]):
        thirds = "".join(f"{third:8.1f}" for third in used["thirds"])
        print(f"  {name:<32}{thirds}{used['highest']:8.1f}")
    print(
        f"disk: {disk['per_order']:,} bytes of tables an order, {disk['per_event']:,} an event; "
        f"logs {disk['logs_per_event']} an event; the most by"
    )
    for name, size in sorted(disk["grown"].items(), key=lambda item: -item[1])[:SHOWN]:
        per_event = size / max(1, result["events"])
        print(f"  {name:<44}{size / 1e6:10.1f} MB{per_event:10.0f} bytes an event")


KIND = Kind("a steady rate of orders: memory, connections, lag, disks (minutes=30 rate=20)", run)
