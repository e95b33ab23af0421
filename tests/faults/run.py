"""One fault, once: load, blow, rest, check; and what is recorded of it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime

from tests.faults.fault import Fault
from tests.faults.members import Members, version
from tests.faults.scene import Scene, events, in_flight
from tests.invariants import check_client
from tests.shop import duplicates

RECOVERED = 60.0  # seconds within which everything must have come to rest after the fault has ended


@dataclass(frozen=True)
class Run:
    """What was seen. Nothing was lost or doubled: else the run would have failed."""

    fault: str
    at: str  # UTC
    in_flight: int  # events under way when it struck
    events: int  # committed from then until rest
    # deliveries of events that had been applied before; the ledger took none of them twice
    again: int
    seconds: float  # that the fault lasted
    recovery: float  # seconds from its end until everything was at rest
    rabbitmq: str = ""  # its version
    nodes: int = 1  # of RabbitMQ


def run_fault(scene: Scene, fault: Fault) -> Run:
    """Raises AssertionError naming every invariant that does not hold afterwards."""
    scene.disarm()
    before_events, before_again = events(scene.shop), duplicates(scene.shop)
    with scene.load.flowing():
        scene.orders()
        under_way = in_flight(scene.shop)
        began = time.monotonic()
        fault.strike(scene)
        ended = time.monotonic()
        if fault.disorders:
            scene.checker.expect_disorder()
    if fault.disorders:
        scene.checker.expect_disorder()
    quiet = scene.checker.wait_until_quiet(RECOVERED)
    recovery = time.monotonic() - ended
    assert quiet, f"not at rest {RECOVERED:.0f} s after the fault: {scene.checker.unrest()}"
    scene.checker.check()
    check_client(scene.shop, scene.load.accepted)
    if len(scene.stack.brokers) > 1:
        Members(scene.stack).wait_until_complete()
    again = duplicates(scene.shop) - before_again
    when = datetime.now(UTC).isoformat(timespec="seconds")
    made, lasted = events(scene.shop) - before_events, round(ended - began, 1)
    ran, nodes = version(scene.shop.variables["RABBITMQ_MANAGEMENT_URL"]), len(scene.stack.brokers)
    return Run(fault.name, when, under_way, made, again, lasted, round(recovery, 1), ran, nodes)
