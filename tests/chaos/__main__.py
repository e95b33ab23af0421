"""`make chaos`, `make mutation`, `make soak`: disturbs a shop of its own and checks every invariant
afterwards. Needs nothing running beforehand. As root it works in a network of its own, so that
cutting it cuts nobody else's."""

from __future__ import annotations

import argparse
import os
import sys
import time

from tests.chaos import fuzz, storm
from tests.chaos.faults import run as faults
from tests.chaos.kind import Kind
from tests.chaos.mutation import run as mutation
from tests.chaos.own_network import in_its_own_network, network_is_ours
from tests.chaos.packages import provide
from tests.chaos.simulation import run as simulation
from tests.chaos.soak import command as soak
from tests.chaos.startup import run as startup

CHAOS: dict[str, Kind] = {
    "faults": faults.KIND,
    "storm": storm.KIND,
    "fuzz": fuzz.KIND,
    "simulation": simulation.KIND,
    "startup": startup.KIND,
}
OTHERS = {"mutation": mutation.KIND, "soak": soak.KIND}  # make targets of their own
KINDS = CHAOS | OTHERS


def main() -> int:
    options = _parser().parse_args()
    kind = KINDS[options.kind]
    if options.list:
        for name, what in kind.names():
            print(f"  {name:<36} {what}")
        return 0
    if kind.own_network and not network_is_ours():
        _enter_its_own_network()
    began = time.monotonic()
    failures = kind.run(options)
    for failure in failures:
        print(f"  ✗ {failure}")
    told = f"{len(failures)} failed" if failures else "all passed"
    target = f"make {options.kind}" if options.kind in OTHERS else f"make chaos: {options.kind}"
    print(f"{target}: {told} in {time.monotonic() - began:.0f} s")
    return 1 if failures else 0


def _enter_its_own_network() -> None:
    """Goes on where it cannot be made."""
    provide()
    command = [sys.executable, "-m", "tests.chaos", *sys.argv[1:]]
    inside = in_its_own_network(command)
    if inside != command:
        sys.stdout.flush()
        os.execvp(inside[0], inside)  # noqa: S606


def _parser() -> argparse.ArgumentParser:
    told = "\n".join(f"  {name:<12}{kind.what}" for name, kind in KINDS.items())
    parser = argparse.ArgumentParser(
        prog="make chaos",
        description=f"{__doc__}\n\nkinds:\n{told}",
        epilog="Example: make chaos kind=faults filter=broker count=3",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("kind", choices=KINDS, metavar="kind")
    parser.add_argument("--filter", default="", help="names with this in them: 'kill or crash'")
    parser.add_argument("--count", type=int, default=0, help="times, mutants or runs")
    parser.add_argument("--minutes", type=float, default=0.0, help="of a storm or a soak")
    parser.add_argument("--seed", type=int, default=1, help="the same seed does the same")
    parser.add_argument("--pause", type=float, default=0.0, help="seconds between two orders")
    parser.add_argument("--rate", type=float, help="orders a second of a soak; else a ramp")
    parser.add_argument("--note", default="", help="what else is to be said of a recorded soak")
    for flag, meaning in {
        "full": "each fault lasts as long as the list says, and not its short form",
        "short": "only the faults that CI runs, one of each kind",
        "offline": "only what fetches no packages",
        "record": "add what was measured to docs/reliability",
        "list": "list names and end",
    }.items():
        parser.add_argument(f"--{flag}", action="store_true", help=meaning)
    return parser


if __name__ == "__main__":
    sys.exit(main())
