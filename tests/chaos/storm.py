"""A storm: random faults every 5 to 10 seconds, sometimes two at once, while orders, cancels,
receipts, dispatches, deliveries and product changes go on; then rest, then every invariant."""

from __future__ import annotations

import random
import time
from argparse import Namespace
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from tests.blackbox.shop import duplicates, until
from tests.chaos.faults.catalogue import combining
from tests.chaos.faults.fault import FAULTS
from tests.chaos.kind import Kind
from tests.chaos.own_network import network_is_ours
from tests.chaos.report.results import record
from tests.chaos.scene import Scene, events, scene_of_its_own
from tests.chaos.schedule import Planned, schedule
from tests.invariants import check_client, effects

# seconds within which everything must have come to rest after the last fault has ended
RECOVERED = 120.0
MAILED = 180.0  # and then every effect has been carried out
MINUTES, PAUSE = 10.0, 0.15


@dataclass
class Storm:
    """What it was. `failures` is empty when every fault ended as it should and every invariant
    held."""

    seed: int
    minutes: float
    injected: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    orders: int = 0
    events: int = 0
    effects: int = 0  # written down; each is carried out in the end
    mails: int = 0  # that they sent: more than one of an effect whose sender was killed
    again: int = 0  # deliveries of events that had been applied before
    recovery: float = 0.0  # seconds from the last fault's end until everything was at rest
    looks: int = 0  # at what must hold at every moment
    failures: list[str] = field(default_factory=list)


def run(options: Namespace) -> list[str]:
    storm = Storm(options.seed, options.minutes or MINUTES)
    plan = _plan(storm.seed, storm.minutes)
    with scene_of_its_own(options.seed, options.pause or PAUSE) as scene:
        _rage(scene, storm, plan)
        _judge(scene, storm)
    for name, count in storm.faults.most_common():
        print(f"  {count:4} {name}")
    print(
        f"{storm.injected} faults in {storm.minutes:g} minutes, seed {storm.seed}; {storm.orders} "
        f"orders, {storm.events} events; {storm.effects} effects, {storm.mails} mails; "
        f"{storm.again} deliveries came again and changed nothing; at rest {storm.recovery} s "
        "after the last fault"
    )
    if options.record:
        measured = asdict(storm) | {"faults": dict(storm.faults)}  # asdict spoils a Counter
        record("storm", "storm", measured)
    return storm.failures


def _plan(seed: int, minutes: float) -> list[Planned]:
    names = [fault.name for fault in combining(own_network=network_is_ours())]
    return list(schedule(seed, minutes, names))


def _rage(scene: Scene, storm: Storm, plan: Iterable[Planned]) -> None:
    """Until all faults have ended, or the customers gave up, which is a failure."""
    try:
        with ThreadPoolExecutor(8) as pool, scene.load.flowing():
            began = time.monotonic()
            under_way: list[tuple[str, Future[Any]]] = []
            for planned in plan:
                time.sleep(max(0.0, began + planned.at - time.monotonic()))
                orders = len(scene.load.accepted)
                names = " + ".join(planned.faults)
                print(f"{time.monotonic() - began:6.1f} s  {names:<60} {orders} orders", flush=True)
                for number, name in enumerate(planned.faults):
                    where = replace(scene, chance=random.Random(planned.seed + number))
                    injected = pool.submit(FAULTS[name].inject, where)
                    under_way.append((f"{name} at {planned.at} s", injected))
                    storm.faults[name] += 1
                    storm.injected += 1
            time.sleep(max(0.0, began + storm.minutes * 60 - time.monotonic()))
            for what, injected in under_way:
                if (error := injected.exception()) is not None:
                    storm.failures.append(f"{what}: {error!r}")
            scene.disarm()
    except AssertionError as error:
        storm.failures.append(str(error))


def _judge(scene: Scene, storm: Storm) -> None:
    """Rest, and everything that has to hold then."""
    ended = time.monotonic()
    print("the storm is over; waiting for rest, then every invariant", flush=True)
    if not scene.checker.wait_until_quiet(RECOVERED):
        unrest = scene.checker.unrest()
        storm.failures.append(f"I16 not at rest {RECOVERED:.0f} s after the last fault: {unrest}")
    storm.recovery = round(time.monotonic() - ended, 1)
    try:
        until(lambda: effects.hurry(scene.shop), "every effect is carried out", seconds=MAILED)
    except AssertionError as error:
        storm.failures.append(f"I18 {error}")
    storm.looks = scene.checker.watcher.looks if scene.checker.watcher else 0
    storm.failures += [f"{v.invariant} {v.where}: {v.detail}" for v in scene.checker.violations()]
    try:
        check_client(scene.shop, scene.load.accepted)
    except AssertionError as error:
        storm.failures.append(str(error))
    storm.orders = len(scene.load.accepted)
    storm.effects = len(scene.shop.rows("order", "SELECT FROM polder_effects_intent"))
    if scene.checker.mails is not None:
        storm.mails = sum(map(len, effects.sent_in(scene.checker.mails).values()))
    storm.events, storm.again = events(scene.shop), duplicates(scene.shop)


KIND = Kind(
    "random faults, sometimes two at once (minutes=10 seed=1)",
    run,
    lambda: ((fault.name, fault.what) for fault in combining(own_network=True)),
    own_network=True,
)
