"""`make fuzz`: mutated messages into a service's queue while orders flow. Ends with a table, and
with failure if anything was lost, delayed, killed or bloated. The same seed repeats a run."""

from __future__ import annotations

import argparse
import json
import sys
from datetime import UTC, datetime

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from deploy.local.ports import Ports
from deploy.local.stack import ROOT
from tests.disturbed import DisturbedStack
from tests.faults.results import commit
from tests.fuzz.run import Result, run
from tests.invariants import Checker
from tests.load import Load
from tests.shop import Shop, until
from tests.temporary import temporary_folder

RESULTS = ROOT / "docs" / "reliability" / "fuzz.json"
# seconds: what a poisoned queue may hold up a good event, on a machine at a fifth of its speed
LARGEST_LAG = 60.0
LARGEST_GROWTH = 1.5  # of the worker's memory, after the first quarter of the run


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="make fuzz", description=__doc__, epilog="Example: make fuzz count=100000 seed=7"
    )
    parser.add_argument("--count", type=int, default=5_000, help="mutants to send (default: 5000)")
    parser.add_argument(
        "--seed",
        type=int,
        default=1,
        help="the same seed sends the same mutants of the same events (default: 1)",
    )
    parser.add_argument(
        "--record",
        action="store_true",
        help=f"add what came of it to {RESULTS.relative_to(ROOT)}, when all passed",
    )
    options = parser.parse_args()
    with temporary_folder("fuzz") as folder:
        stack = DisturbedStack(folder / "run", Ports.free())
        stack.start()
        try:
            return _report(_fuzzed(stack, options.count, options.seed), record=options.record)
        finally:
            stack.stop(patient=False)


def _fuzzed(stack: DisturbedStack, count: int, seed: int) -> Result:
    shop = Shop(stack.environment.of_stack())
    until(
        lambda: len(shop.get("order", "/api/products/")[1]["results"]) >= 5,
        "the products reach the order service",
    )
    result = Result(seed)
    with Progress(transient=True) as progress:
        bar = progress.add_task("mutants", total=count)
        for result in run(stack, shop, Load(shop, seed=seed, pause=0.05), count, seed):
            progress.update(
                bar, completed=result.sent, description=f"mutants, {result.memory[-1] // 1024} MB"
            )
    checker = Checker(shop)
    # A parked mutant ends when the event arrives of which it was made; one that repeats an id with
    # other content is recorded.
    checker.parked["inventory"] = shop.rows(
        "inventory", "SELECT count(*)::int FROM polder_inbox_parkedevent WHERE state = 'parked'"
    )[0][0]
    # the replicas themselves are compared row by row
    shop.rows("inventory", "DELETE FROM polder_replication_drift RETURNING id")
    checker.check()
    return result


def _report(result: Result, *, record: bool) -> int:
    table = Table(title=f"{result.sent} mutants in {result.seconds:.0f} s, seed {result.seed}")
    table.add_column("what was done", overflow="fold")
    table.add_column("how many", justify="right")
    for name, counter in (
        ("mutation", result.mutations),
        ("outcome", result.outcomes),
        ("parked as", result.reasons),
    ):
        for what, number in counter.most_common():
            table.add_row(f"{name}: {what}", f"{number}")
    Console().print(table)
    print(f"{result.orders} orders meanwhile; worst lag of a good event {result.worst_lag:.2f} s")
    print(f"the worker and its children had {min(result.memory)} to {max(result.memory)} kB")
    failures = list(result.failures(LARGEST_LAG, LARGEST_GROWTH))
    if record and not failures:
        known = json.loads(RESULTS.read_text()) if RESULTS.exists() else []
        known.append(
            {
                "commit": commit(),
                "at": datetime.now(UTC).isoformat(timespec="seconds"),
                **result.recorded(),
            }
        )
        RESULTS.parent.mkdir(parents=True, exist_ok=True)
        RESULTS.write_text(json.dumps(known, indent=1) + "\n")
    print(f"make fuzz: {'failed: ' + '; '.join(failures) if failures else 'all passed'}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
