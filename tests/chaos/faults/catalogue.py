"""All faults there are, in the order in which they are run and reported."""

from __future__ import annotations

# Each registers its faults when it is imported.
from tests.chaos.faults import (  # noqa: F401
    broker,
    clients,
    clock,
    cluster,
    crash,
    database,
    full_disk,
    halting,
    messages,
    network,
    processes,
    replicas,
    set_back,
    versions,
)
from tests.chaos.faults.fault import FAULTS, Fault


def faults() -> list[Fault]:
    return list(FAULTS.values())


def combining(*, own_network: bool) -> list[Fault]:
    """Those that may be injected in a storm; `own_network`: also those that cut it."""
    return [
        fault for fault in FAULTS.values() if fault.combines and (own_network or not fault.network)
    ]
