"""`make storm`: orders, cancels, receipts, dispatches, deliveries and product changes at a steady
rate while random faults strike every 5 to 10 seconds, sometimes two at once; then rest, and every
invariant. The seed gives the same faults again."""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path

from deploy.local.stack import ROOT
from polder.failpoints import VARIABLE
from tests.faults.catalogue import stormy
from tests.faults.packages import provide
from tests.faults.results import commit
from tests.faults.scene import Scene
from tests.load import Load
from tests.own_network import in_its_own_network, network_is_ours
from tests.standing import standing_shop
from tests.storm.run import Weathered, weather
from tests.storm.schedule import schedule
from tests.temporary import failpoints_in, temporary_folder

RESULTS = ROOT / "docs" / "reliability" / "storms.json"


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="make storm", description=__doc__, epilog="Example: make storm minutes=10 seed=7"
    )
    parser.add_argument(
        "--minutes", type=float, default=10.0, help="how long it blows (default: 10)"
    )
    parser.add_argument(
        "--seed", type=int, default=1, help="of the faults, their times and the load (default: 1)"
    )
    parser.add_argument(
        "--pause",
        type=float,
        default=0.15,
        help="seconds between two orders of each of the four customers",
    )
    parser.add_argument(
        "--record",
        type=Path,
        help=f"a file of results to add to, such as {RESULTS.relative_to(ROOT)}",
    )
    parser.add_argument(
        "--schedule", action="store_true", help="print what would strike when, and end"
    )
    parser.add_argument("--keep-logs", type=Path, help="copy the logs there when something failed")
    options = parser.parse_args()
    if not options.schedule and not network_is_ours():
        provide()
        command = [sys.executable, "-m", "tests.storm", *sys.argv[1:]]
        inside = in_its_own_network(command)
        if inside != command:
            os.execvp(inside[0], inside)  # noqa: S606
    blows = list(
        schedule(
            options.seed,
            options.minutes,
            [fault.name for fault in stormy(own_network=network_is_ours())],
        )
    )
    if options.schedule:
        print("\n".join(f"{blow.at:7.1f} s  {' + '.join(blow.faults)}" for blow in blows))
        return 0
    with temporary_folder("storm") as folder:
        failpoints = failpoints_in(folder)
        with standing_shop(folder, {VARIABLE: str(failpoints)}) as (stack, shop, checker):
            load = Load(shop, seed=options.seed, pause=options.pause, merchant=True)
            scene = Scene(stack, shop, load, checker, random.Random(options.seed), failpoints)
            weathered = weather(
                scene,
                Weathered(options.seed, options.minutes),
                blows,
                lambda line: print(line, flush=True),
            )
            if weathered.failures and options.keep_logs:
                shutil.copytree(stack.run.root / "logs", options.keep_logs, dirs_exist_ok=True)
    return _report(weathered, options.record)


def _report(weathered: Weathered, record: Path | None) -> int:
    print(f"\n{weathered.blows} blows in {weathered.minutes:g} minutes, seed {weathered.seed}:")
    for name, count in weathered.struck.most_common():
        print(f"  {count:4} {name}")
    print(
        f"{weathered.orders} orders, {weathered.events} events; {weathered.again} deliveries came "
        "again and changed nothing"
    )
    print(f"at rest {weathered.recovery} s after the last fault")
    for failure in weathered.failures:
        print(f"  ✗ {failure}")
    if record:
        stormed = json.loads(record.read_text()) if record.exists() else []
        stormed.append(
            {
                "commit": commit(),
                "at": datetime.now(UTC).isoformat(timespec="seconds"),
                **vars(weathered),
            }
        )
        record.parent.mkdir(parents=True, exist_ok=True)
        record.write_text(json.dumps(stormed, indent=1) + "\n")
    print(
        f"make storm: {f'{len(weathered.failures)} failed' if weathered.failures else 'all passed'}"
    )
    return 1 if weathered.failures else 0


if __name__ == "__main__":
    sys.exit(main())
