"""`make soak`: orders at the highest steady rate that this machine bears (or at `rate`), each
dispatched and delivered, for minutes or hours. Every ten seconds it looks at the memory of every
process, the connections, the lag and what waits. At the end nothing may have grown that should not,
the growth of the disks is told by what it is for, and every invariant must hold. The machine should
have nothing else to do."""

from __future__ import annotations

import argparse
import json
import sys
import time
from datetime import UTC, datetime
from typing import Any

from deploy.local.stack import ROOT
from tests.faults.results import commit
from tests.soak.run import soak
from tests.standing import standing_shop
from tests.temporary import temporary_folder

RESULTS = ROOT / "docs" / "reliability" / "soak.json"
SHOWN = 12


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="make soak", description=__doc__, epilog="Example: make soak minutes=30 rate=20"
    )
    parser.add_argument(
        "--minutes",
        type=float,
        default=30.0,
        help="of the steady rate, after the ramp (default: 30)",
    )
    parser.add_argument("--rate", type=float, help="orders a second (default: found by a ramp)")
    parser.add_argument(
        "--record", action="store_true", help=f"add what came of it to {RESULTS.relative_to(ROOT)}"
    )
    parser.add_argument(
        "--note",
        default="",
        help="what else is to be said of the run, such as what the machine did besides",
    )
    options = parser.parse_args()
    began = time.monotonic()
    with temporary_folder("soak") as folder, standing_shop(folder, watched=False) as standing:
        result = soak(standing, options.minutes, options.rate, lambda line: print(line, flush=True))
    _report(result)
    if options.record:
        known = json.loads(RESULTS.read_text()) if RESULTS.exists() else []
        known.append(
            {
                "commit": commit(),
                "at": datetime.now(UTC).isoformat(timespec="seconds"),
                "note": options.note,
                **result,
            }
        )
        RESULTS.parent.mkdir(parents=True, exist_ok=True)
        RESULTS.write_text(json.dumps(known, indent=1) + "\n")
    for failure in result["failures"]:
        print(f"  ✗ {failure}")
    failed = f"{len(result['failures'])} failed" if result["failures"] else "all passed"
    print(f"make soak: {failed} in {time.monotonic() - began:.0f} s")
    return 1 if result["failures"] else 0


def _report(result: dict[str, Any]) -> None:
    print(
        f"\n{result['orders']:,} orders and {result['events']:,} events in {result['minutes']:g} "
        f"minutes, {result['rate']:g} orders/s"
    )
    print(
        f"lag p50 {result['lag']['p50']:.2f} s, p95 {result['lag']['p95']:.2f} s; the worst "
        f"window's p95 {result['lag']['worst_p95']:.2f} s"
    )
    print("memory, MB: the median of each third, and the highest")
    for name, used in sorted(result["memory"].items(), key=lambda item: -item[1]["highest"]):
        thirds = "".join(f"{third:8.1f}" for third in used["thirds"])
        print(f"  {name:<32}{thirds}{used['highest']:8.1f}")
    disk = result["disk"]
    print(
        f"disk: {disk['per_order']:,} bytes of tables an order, {disk['per_event']:,} an event; "
        f"logs {disk['logs_per_event']} an event; the most by"
    )
    for name, size in sorted(disk["grown"].items(), key=lambda item: -item[1])[:SHOWN]:
        print(
            f"  {name:<44}{size / 1e6:10.1f} MB{size / max(1, result['events']):10.0f} bytes an "
            "event"
        )


if __name__ == "__main__":
    sys.exit(main())
