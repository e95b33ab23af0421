"""One simulation: Hypothesis drives the shop through so many runs; after each, every invariant. A
failing run is shrunk and told step by step."""

from __future__ import annotations

from argparse import Namespace

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.chaos.kind import Kind
from tests.chaos.report.results import record
from tests.chaos.simulation.machine import Simulation
from tests.chaos.simulation.world import world
from tests.temporary import temporary_folder

RUNS, STEPS = 200, 40
# What long runs are made of: when one of these never happens, the simulation itself is broken.
HAPPENS = ("applied", "crashed", "two at once", "repeated")
ENOUGH = 100  # runs, in which each happens many times


def run(options: Namespace) -> list[str]:
    runs = options.count or RUNS
    told = settings(
        max_examples=runs,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
        print_blob=False,
    )
    failures = []
    with temporary_folder("simulation") as folder, world(folder) as Simulation.world:
        try:
            run_state_machine_as_test(seed(options.seed)(Simulation), settings=told)
        except AssertionError as error:
            failures = ["\n".join([str(error), *getattr(error, "__notes__", [])])]
    counted = dict(Simulation.counted.most_common())
    print(", ".join(f"{count} {what}" for what, count in counted.items()))
    if runs >= ENOUGH and not failures:
        failures = [f"never happened: {what}" for what in HAPPENS if what not in counted]
    if options.record and not failures:
        record("simulation", "simulation", {"seed": options.seed, **counted})
    return failures


KIND = Kind("Hypothesis drives contracts, merge and reconcilers (count=200 seed=1)", run)
