"""One storm: the blows of a schedule at a shop at work, then rest, then every invariant."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from tests.faults.fault import FAULTS
from tests.faults.scene import Scene, events
from tests.invariants import check_client
from tests.shop import duplicates
from tests.storm.schedule import Blow

# seconds within which everything must have come to rest after the last fault has ended
RECOVERED = 120.0


@dataclass
class Weathered:
    """What a storm was. `failures` is empty when every fault ended as it should and every invariant
    held."""

    seed: int
    minutes: float
    blows: int = 0
    struck: Counter[str] = field(default_factory=Counter)
    orders: int = 0
    events: int = 0
    again: int = 0  # deliveries of events that had been applied before
    recovery: float = 0.0  # seconds from the last fault's end until everything was at rest
    looks: int = 0  # at what must hold at every moment
    failures: list[str] = field(default_factory=list)


def weather(
    scene: Scene, weathered: Weathered, blows: Iterable[Blow], tell: Callable[[str], None]
) -> Weathered:
    """Never raises for a violation: it is in the result."""
    try:
        _blow(scene, weathered, blows, tell)
    except AssertionError as error:
        weathered.failures.append(str(error))
    ended = time.monotonic()
    tell("the storm is over; waiting for rest")
    if not scene.checker.wait_until_quiet(RECOVERED):
        weathered.failures.append(
            f"I16 not at rest {RECOVERED:.0f} s after the last fault: {scene.checker.unrest()}"
        )
    weathered.recovery = round(time.monotonic() - ended, 1)
    tell(f"at rest after {weathered.recovery} s; checking every invariant")
    weathered.looks = scene.checker.watcher.looks if scene.checker.watcher else 0
    weathered.failures += [
        f"{v.invariant} {v.where}: {v.detail}" for v in scene.checker.violations()
    ]
    try:
        check_client(scene.shop, scene.load.accepted)
    except AssertionError as error:
        weathered.failures.append(str(error))
    weathered.orders, weathered.events, weathered.again = (
        len(scene.load.accepted),
        events(scene.shop),
        duplicates(scene.shop),
    )
    return weathered


def _blow(
    scene: Scene, weathered: Weathered, blows: Iterable[Blow], tell: Callable[[str], None]
) -> None:
    """Until all blows have ended. Raises AssertionError when the customers gave up."""
    with ThreadPoolExecutor(8) as pool, scene.load.flowing():
        began = time.monotonic()
        under_way: list[tuple[str, Future[None]]] = []
        for blow in blows:
            time.sleep(max(0.0, began + blow.at - time.monotonic()))
            tell(
                f"{time.monotonic() - began:6.1f} s  {' + '.join(blow.faults):<60} "
                f"{len(scene.load.accepted)} orders"
            )
            for number, name in enumerate(blow.faults):
                where = replace(scene, chance=random.Random(blow.seed + number))
                under_way.append(
                    (f"{name} at {blow.at} s", pool.submit(FAULTS[name].strike, where))
                )
                weathered.struck[name] += 1
            weathered.blows += 1
        time.sleep(max(0.0, began + weathered.minutes * 60 - time.monotonic()))
        for what, strike in under_way:
            if (error := strike.exception()) is not None:
                weathered.failures.append(f"{what}: {error!r}")
        scene.disarm()
