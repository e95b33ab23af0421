"""One soak: stock up, find the rate, hold it, rest, check everything."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from statistics import median
from typing import Any

from tests.chaos.scene import events
from tests.chaos.soak.disk import sizes
from tests.chaos.soak.judge import failures, memory_of
from tests.chaos.soak.load import SteadyLoad
from tests.chaos.soak.ramp import FIRST, highest_steady_rate
from tests.chaos.soak.samples import Sample, Sampler
from tests.invariants import check_client
from tests.standing import Standing

EVERY = 10.0  # seconds from sample to sample
RECONCILE = 20.0  # seconds at the rate before it is measured
REST = 120.0  # seconds within which everything must have come to rest


def soak(
    standing: Standing, minutes: float, rate: float | None, tell: Callable[[str], None]
) -> dict[str, Any]:
    """The result, with what failed in it. Raises what a customer met."""
    load = SteadyLoad(standing.shop, rate or FIRST)
    sampler = Sampler(standing.stack, standing.shop)
    load.stock_up()
    with load.flowing():
        if rate is None:
            load.rate = highest_steady_rate(load, sampler, tell)
        tell(f"holding {load.rate:g} orders/s for {minutes:g} minutes")
        time.sleep(RECONCILE)
        sampler = Sampler(standing.stack, standing.shop)
        orders, made, disk = len(load.accepted), events(standing.shop), sizes(standing.stack)
        while (left := minutes * 60 - (time.monotonic() - sampler.began)) > 0:
            time.sleep(min(EVERY, left))
            tell(_told(sampler.look(len(load.accepted))))
        reached = (len(load.accepted) - orders) / (time.monotonic() - sampler.began)
    failed = list(failures(sampler.samples, load.rate, reached))
    tell("the load is over; waiting for rest, then every invariant")
    if not standing.checker.wait_until_quiet(REST):
        failed.append(f"I16 not at rest {REST:.0f} s after the load: {standing.checker.unrest()}")
    result = _result(sampler, load, minutes, reached, orders, events(standing.shop) - made)
    result["disk"] = _grown(disk, sizes(standing.stack), result)
    failed += [
        f"{violation.invariant} {violation.where}: {violation.detail}"
        for violation in standing.checker.violations()
    ]
    try:
        check_client(standing.shop, load.accepted)
    except AssertionError as error:
        failed.append(str(error))
    return result | {"failures": failed}


def _told(sample: Sample) -> str:
    heaviest = sum(sample.memory.values())
    lag = "/".join(f"{value:.2f}" for value in sample.lag)
    waiting = f"unpublished {sample.unpublished}, queued {sample.queued}"
    servers = f"connections {sample.postgres} + {sample.rabbitmq}"
    return (
        f"{sample.at:7.0f} s  {sample.orders:7} orders  lag {lag} s  {waiting}  {heaviest:6.0f} MB "
        f"in all  {servers}"
    )


def _result(
    sampler: Sampler, load: SteadyLoad, minutes: float, reached: float, before: int, made: int
) -> dict[str, Any]:
    samples = sampler.samples
    return {
        "minutes": minutes,
        "asked": load.rate,
        "rate": round(reached, 1),
        "orders": len(load.accepted) - before,
        "events": made,
        "lag": {
            "p50": median(sample.lag[0] for sample in samples),
            "p95": median(sample.lag[1] for sample in samples),
            "worst_p95": max(sample.lag[1] for sample in samples),
            "longest": max(sample.lag[2] for sample in samples),
        },
        "connections": {
            server: max(getattr(sample, server) for sample in samples)
            for server in ("postgres", "rabbitmq")
        },
        "backlog": max(sample.unpublished + sample.queued for sample in samples),
        "memory": memory_of(samples),
    }


def _grown(
    before: Mapping[str, int], after: Mapping[str, int], result: Mapping[str, Any]
) -> dict[str, Any]:
    """What grew, by what it is for; a table that vacuum has cut is left out. Of what is recycled
    (WAL, RabbitMQ) the growth is no rate."""
    grown = {
        name: size - before.get(name, 0)
        for name, size in after.items()
        if size > before.get(name, 0)
    }
    kept = sum(
        size
        for name, size in grown.items()
        if not name.startswith(("PostgreSQL's WAL", "RabbitMQ", "log of"))
    )
    logs = sum(size for name, size in grown.items() if name.startswith("log of"))
    per = {
        "per_order": round(kept / max(1, result["orders"])),
        "per_event": round(kept / max(1, result["events"])),
    }
    return {**per, "logs_per_event": round(logs / max(1, result["events"]), 1), "grown": grown}
