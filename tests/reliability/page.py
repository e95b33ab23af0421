"""The page, from its sections."""

from __future__ import annotations

from tests.reliability import faults, random_runs, seeded, soaks, storms
from tests.reliability.results import RESULTS, read

COMMAND = "python -m tests.reliability"

HEAD = f"""\
# Reliability

What was done to the services while they worked, and what came of it. This page is written by `{COMMAND}` from the result
files in [reliability/](reliability); `make check` fails when it says anything else than they do. Each command below repeats what its
table tells of; with `record=1` it adds to the results, together with the commit it ran on (a `+` behind it: with changes).

Every run of a fault, a storm or a soak is a whole shop: PostgreSQL, RabbitMQ, and web, worker, relay, housekeeper and beat of three
services. Customers order and cancel, a warehouse dispatches and delivers, a merchant receives stock and changes prices, before, during
and after the fault. Then everything has to come to rest in time, and all [invariants](invariants.md) have to hold. **A run in
which one event was lost, or took effect twice, is a failed run**; the fault tables list only runs in which all held, and what failed was mended: what
was found that way is told at the end.
"""

NOT_INJECTED = """\
## Not injected

| fault | why |
|---|---|
| power loss | kill -9 leaves the page cache alone, so it cannot show a missing fsync. Nothing here says that a power cut loses nothing |
| every fault on RabbitMQ 4.x | on 4.0.5 ran those whose row says so, all of `make test`, and 5,000 mutants; nothing else |
| a cluster on several machines | its three nodes are on one: a pause there is a stopped process, a cut is a rule of its firewall |
| a replica truncated and rebuilt, crashing half-way through a resync | there is no resync yet |
"""


def page() -> str:
    """Raises OSError, ValueError or KeyError when a result file cannot be read."""
    found = RESULTS / "found.md"
    parts = (
        HEAD,
        faults.section(read("faults", {})),
        storms.section(read("storms", [])),
        soaks.section(read("soak", [])),
        seeded.section(read("seeded", {})),
        random_runs.simulation(read("simulation", [])),
        random_runs.fuzz(read("fuzz", [])),
        NOT_INJECTED,
        found.read_text() if found.exists() else "",
    )
    return "\n".join(f"{part.rstrip()}\n" for part in parts if part)
