"""Finds the highest rate that the machine sustains: faster and faster, until the shop falls
behind."""

from __future__ import annotations

import time
from collections.abc import Callable

from tests.chaos.soak.load import SteadyLoad
from tests.chaos.soak.samples import Sample, Sampler

FIRST, FASTER = 5.0, 1.3  # orders a second; each step so much faster than the one before
SWING, STEP = 5.0, 15.0  # seconds, for the shop to get into it and of what is measured then
TRIES = 2  # a checkpoint, or another's work on the machine, may spoil one measurement
# of the highest rate that held: what a machine sustains for a quarter of a minute it need not
# sustain for half an hour
SHARE = 0.85
KEPT = 0.97  # of the rate that was asked for
LARGEST_P95 = 1.0  # seconds of lag
LARGEST_BACKLOG = 300  # messages and unpublished events


def highest_steady_rate(load: SteadyLoad, sampler: Sampler, tell: Callable[[str], None]) -> float:
    """Orders a second. The load flows meanwhile."""
    rate, held = FIRST, 0.0
    while any(_holds(load, sampler, rate, tell) for _ in range(TRIES)):
        rate, held = rate * FASTER, rate
    return round((held or FIRST / FASTER) * SHARE, 1)


def _holds(load: SteadyLoad, sampler: Sampler, rate: float, tell: Callable[[str], None]) -> bool:
    load.rate = rate
    time.sleep(SWING)
    before, began = len(load.accepted), time.monotonic()
    time.sleep(STEP)
    reached = (len(load.accepted) - before) / (time.monotonic() - began)
    sample = sampler.look(len(load.accepted))
    tell(
        f"ramp: {rate:5.1f} orders/s asked for, {reached:5.1f} reached, lag p95 "
        f"{sample.lag[1]:.2f} s, backlog {_backlog(sample)}"
    )
    return (
        reached >= KEPT * rate
        and sample.lag[1] <= LARGEST_P95
        and _backlog(sample) <= LARGEST_BACKLOG
    )


def _backlog(sample: Sample) -> int:
    return sample.unpublished + sample.queued
