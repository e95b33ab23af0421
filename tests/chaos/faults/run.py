"""Each fault of the catalogue under load, with all invariants afterwards."""

from __future__ import annotations

import faulthandler
import time
import traceback
from argparse import Namespace
from collections.abc import Iterator

from tests.blackbox.shop import duplicates
from tests.chaos.faults.catalogue import faults
from tests.chaos.faults.fault import Fault
from tests.chaos.faults.members import Members, version
from tests.chaos.kind import Kind, matches
from tests.chaos.own_network import network_is_ours
from tests.chaos.report.results import Result, record
from tests.chaos.scene import Scene, events, in_flight, scene_of_its_own
from tests.invariants import check_client
from tests.restoring import wait_until_all_agrees

RECOVERED = 60.0  # seconds within which everything must have come to rest after the fault has ended
NODES = 3  # of the broker, for faults of a cluster
LONGEST = 1800.0  # seconds after which a fault that hangs ends the run, with all stacks
MEASURED = ("traded", "forgotten", "noticed", "healed")  # by faults that set services back
PAUSE = 0.1  # seconds between two orders of each customer


def run(options: Namespace) -> list[str]:
    """What failed. One shop for all faults, one with three brokers for those of a cluster, and one
    for each that sets services back."""
    chosen = [
        fault
        for fault in faults()
        if matches(fault.name, options.filter) and (fault.short or not options.short)
    ]
    failures = [] if chosen else [f"no fault has {options.filter!r} in its name"]
    for here in _by_shop(chosen):
        try:
            failures += _run_all(here, options)
        except Exception as error:
            traceback.print_exc()
            failures.append(f"the shop of {here[0].name}: {error!r}")
    return failures


def _by_shop(chosen: list[Fault]) -> Iterator[list[Fault]]:
    for cluster in (False, True):
        if here := [one for one in chosen if one.cluster == cluster and not one.sets_back]:
            yield here
    yield from ([one] for one in chosen if one.sets_back)


def _run_all(chosen: list[Fault], options: Namespace) -> Iterator[str]:
    pause, full = options.pause or PAUSE, options.full
    brokers, intact = NODES if chosen[0].cluster else 1, not chosen[0].sets_back
    with scene_of_its_own(
        options.seed, pause, full=full, brokers=brokers, strict=intact, watched=intact
    ) as scene:
        for fault in chosen:
            if fault.network and not network_is_ours():
                print(f"- {fault.name}: left out; it needs root, nftables and its own network")
                continue
            try:
                for _ in range(options.count or 1):
                    _run_once(scene, fault, record_it=options.record)
            except Exception as error:
                traceback.print_exc()
                yield f"{fault.name}: {error}"


def _run_once(scene: Scene, fault: Fault, *, record_it: bool) -> None:
    faulthandler.dump_traceback_later(LONGEST, exit=True)
    try:
        measured = run_fault(scene, fault)
    finally:
        faulthandler.cancel_dump_traceback_later()
    more = "".join(f"{name} {measured[name]}, " for name in MEASURED if name in measured)
    print(
        f"✓ {fault.name}: {more}{measured['in_flight']} in flight, {measured['events']} events, "
        f"{measured['again']} again, at rest after {measured['recovery']} s",
        flush=True,
    )
    if record_it:
        record("faults", fault.name, measured)


def run_fault(scene: Scene, fault: Fault) -> Result:
    """What was seen: events under way when it was injected, events committed from then until rest,
    deliveries of events that had been applied before, seconds that it lasted, and from its end to
    rest. Raises AssertionError naming every invariant that does not hold afterwards."""
    scene.disarm()
    before_events, before_again = events(scene.shop), duplicates(scene.shop)
    with scene.load.flowing():
        scene.orders()
        under_way = in_flight(scene.shop)
        began = time.monotonic()
        measured = fault.inject(scene) or {}
        ended = time.monotonic()
        if fault.disorders:
            scene.checker.expect_disorder()
    if fault.disorders:
        scene.checker.expect_disorder()
    if fault.sets_back:
        wait_until_all_agrees(scene.shop)
        recovery = time.monotonic() - ended
    else:
        quiet = scene.checker.wait_until_quiet(RECOVERED)
        recovery = time.monotonic() - ended
        assert quiet, f"not at rest {RECOVERED:.0f} s after the fault: {scene.checker.unrest()}"
        scene.checker.check()
    check_client(scene.shop, scene.load.accepted)
    if len(scene.stack.brokers) > 1:
        Members(scene.stack).wait_until_complete()
    return {
        "in_flight": under_way,
        "events": events(scene.shop) - before_events,
        "again": duplicates(scene.shop) - before_again,
        "seconds": round(ended - began, 1),
        "recovery": round(recovery, 1),
        "rabbitmq": version(scene.shop.variables["RABBITMQ_MANAGEMENT_URL"]),
        "nodes": len(scene.stack.brokers),
        **measured,
    }


KIND = Kind(
    "each fault of the catalogue, one after the other (count=3 times; full=1, short=1)",
    run,
    lambda: ((fault.name, fault.what) for fault in faults()),
    own_network=True,
)
