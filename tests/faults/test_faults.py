"""Every fault of the catalogue, each its own test: under load, with all invariants afterwards."""

from __future__ import annotations

import pytest

from tests.faults.catalogue import faults
from tests.faults.fault import Fault
from tests.faults.results import Results
from tests.faults.run import run_fault
from tests.faults.scene import Scene
from tests.own_network import network_is_ours

NODES = 3  # of the broker, for faults that strike a cluster


@pytest.mark.parametrize(
    ("fault", "scene"),
    [pytest.param(fault, NODES if fault.cluster else 1, id=fault.name) for fault in faults()],
    indirect=["scene"],
    scope="session",
)
def test_fault(
    scene: Scene, fault: Fault, results: Results, request: pytest.FixtureRequest
) -> None:
    if fault.network and not network_is_ours():
        pytest.skip("needs root, nftables and a network of its own, which `make faults` gives")
    for _ in range(request.config.option.times):
        run = run_fault(scene, fault)
        print(
            f"{run.fault}: {run.in_flight} in flight, {run.events} events, {run.again} again, at "
            f"rest after {run.recovery} s"
        )
        results.add(run)
        if request.config.option.record:
            results.write(request.config.option.record)
