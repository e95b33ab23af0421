"""`make faults`: every fault of the catalogue strikes a shop at work; `filter=` chooses. Needs
nothing running beforehand.

As root it gives the tests a network of their own (a network namespace), so that cutting it cuts
nobody else's.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path

from deploy.local.stack import ROOT
from tests.faults.packages import provide
from tests.own_network import in_its_own_network

RESULTS = ROOT / "docs" / "reliability" / "faults.json"


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="make faults",
        description=__doc__,
        epilog="Example: make faults filter=broker count=3 full=1",
    )
    parser.add_argument(
        "-k",
        default="",
        help="only the faults whose names match, as pytest's -k: broker, 'kill or crash'",
    )
    parser.add_argument("--times", type=int, default=1, help="how often each fault strikes")
    parser.add_argument(
        "--seed", type=int, default=1, help="of where the faults strike, and of the load"
    )
    parser.add_argument(
        "--pause",
        type=float,
        default=0.1,
        help="seconds between two orders of each of the four customers (default: 0.1)",
    )
    parser.add_argument(
        "--full",
        action="store_true",
        help="each lasts as long as the catalogue says (90 s, five minutes), not its short form",
    )
    parser.add_argument("--short", action="store_true", help="only the few that CI runs")
    parser.add_argument(
        "--record",
        action="store_true",
        help=f"add what was measured to {RESULTS.relative_to(ROOT)}",
    )
    parser.add_argument("--list", action="store_true", help="list the faults and end")
    options = parser.parse_args()
    if options.list:
        return _list()
    provide()
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "no:django",
        "tests/faults",
        "-k",
        options.k,
        "-rs",
        "--timeout=1800",
        f"--times={options.times}",
    ]
    command += [
        f"--seed={options.seed}",
        f"--pause={options.pause}",
        *(["--full"] if options.full else []),
        *(["--short"] if options.short else []),
        *([f"--record={RESULTS}"] if options.record else []),
    ]
    began = time.monotonic()
    code = subprocess.run(in_its_own_network(command), cwd=ROOT, check=False).returncode
    print(
        f"\nmake faults: {'failed' if code else 'all passed'} in {time.monotonic() - began:.0f} s"
    )
    return 1 if code else 0


def _list() -> int:
    from tests.faults.catalogue import faults

    for fault in faults():
        print(f"  {fault.name:<36} {fault.what}")
    return 0


if __name__ == "__main__":
    sys.path.insert(0, str(Path.cwd()))
    sys.exit(main())
