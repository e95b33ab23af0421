"""`make simulation`: Hypothesis drives the shop through so many runs; after each, every invariant.
A failing run is shrunk and told step by step."""

from __future__ import annotations

import argparse
import json
import sys
import time
from datetime import UTC, datetime

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from deploy.local.stack import ROOT
from tests.faults.results import commit
from tests.simulation.machine import Simulation
from tests.simulation.world import world
from tests.temporary import temporary_folder

# What long runs are made of: when one of these never happens, the simulation itself is broken.
HAPPENS = ("applied", "crashed", "two at once", "repeated")
ENOUGH = 100  # runs, in which each happens many times
RESULTS = ROOT / "docs" / "reliability" / "simulation.json"


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="make simulation",
        description=__doc__,
        epilog="Example: make simulation count=1000 seed=3",
    )
    parser.add_argument("--runs", type=int, default=200, help="how many (default: 200)")
    parser.add_argument("--steps", type=int, default=40, help="at most, in one run")
    parser.add_argument(
        "--seed", type=int, default=1, help="the same seed makes the same runs (default: 1)"
    )
    parser.add_argument(
        "--record", action="store_true", help=f"add what was done to {RESULTS.relative_to(ROOT)}"
    )
    options = parser.parse_args()
    began, failure = time.monotonic(), ""
    with temporary_folder("simulation") as folder, world(folder) as Simulation.world:
        try:
            run_state_machine_as_test(
                seed(options.seed)(Simulation),
                settings=settings(
                    max_examples=options.runs,
                    stateful_step_count=options.steps,
                    deadline=None,
                    database=None,
                    phases=(Phase.generate, Phase.shrink),
                    suppress_health_check=list(HealthCheck),
                    print_blob=False,
                ),
            )
        except AssertionError as error:
            failure = str(error)
            print(f"{failure}\n" + "\n".join(getattr(error, "__notes__", [])))
    counted = dict(Simulation.counted.most_common())
    print(", ".join(f"{count} {what}" for what, count in counted.items()))
    if not failure and options.runs >= ENOUGH:
        never = [what for what in HAPPENS if what not in counted]
        failure = f"never happened: {', '.join(never)}" if never else ""
        print(failure, end="\n" if failure else "")
    if options.record and not failure:
        known = json.loads(RESULTS.read_text()) if RESULTS.exists() else []
        known.append(
            {
                "commit": commit(),
                "at": datetime.now(UTC).isoformat(timespec="seconds"),
                "seed": options.seed,
                **counted,
            }
        )
        RESULTS.parent.mkdir(parents=True, exist_ok=True)
        RESULTS.write_text(json.dumps(known, indent=1) + "\n")
    print(
        f"make simulation: {'failed' if failure else f'{options.runs} runs, all passed'} in "
        f"{time.monotonic() - began:.0f} s"
    )
    return 1 if failure else 0


if __name__ == "__main__":
    sys.exit(main())
