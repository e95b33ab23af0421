"""The lag comparison: events at a steady rate, from being made in one service to being committed at
the other.

A writer publishes StockChanged in transactions of their own, inventory's relay takes them to the
broker, order's worker into ledger and replica. The rival pair does the same by hand, looking every
millisecond and applying whatever is there. The writer is the same for both. The lag is from the
event's `time`, made inside the writer's transaction, to the commit of the transaction that wrote
its ledger row, as PostgreSQL itself dates it; all on one clock.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping

from benchmarks.comparison import OneByOne
from benchmarks.contender import Contender, ContenderFailed, running
from benchmarks.percentiles import percentiles
from benchmarks.servers import Servers
from deploy.local.stack import ROOT

RATES = (50, 200, 500)  # events/s
RECONCILING_SECONDS = 2  # at the beginning, not counted
OURS = Contender(
    "relay and worker",
    ("manage.py", "inventory", "relay"),
    beside=(Contender("", ("manage.py", "order", "worker", "--concurrency=2")),),
)
BY_HAND = Contender(
    "by hand",
    ("-m", "benchmarks.handwritten_publisher", "inventory"),
    environment=(("NAP", "0.001"),),
    beside=(
        Contender(
            "",
            ("-m", "benchmarks.handwritten_consumer"),
            processes=2,
            environment=(("LINGER", "0.0005"),),
        ),
    ),
)

# What reconciling takes of the beginning is left out by the order of the events, which is that of
# their ids.
_LAGS = """
SELECT extract(epoch FROM pg_xact_commit_timestamp(xmin) - occurred_at)::float * 1000
    FROM polder_ledger ORDER BY id OFFSET %s
"""


class LagComparison(OneByOne):
    unit = "ms"
    contenders = (OURS, BY_HAND)
    aims: Mapping[str, float] = {}
    remark = (
        "From the making of the event in the writer's transaction to the subscriber's commit; one "
        "worker with two processes."
    )

    def __init__(self, servers: Servers, rate: int, seconds: int) -> None:
        self.servers = servers
        self.rate = rate
        self.seconds = seconds
        self.name = f"lag-{rate}"
        self.title = f"Lag at {rate} events/s: made in one service, committed in the other"

    def measure(self, contender: Contender) -> Mapping[str, float]:
        """Percentiles in milliseconds, and as `held` the rate that the writer came to."""
        self.servers.reset()
        number = self.rate * (RECONCILING_SECONDS + self.seconds)
        with running(contender, self.servers) as programs:
            self._write(1)  # once it has arrived, all have started
            programs.wait_until(lambda: self._applied() == 1)
            held = self._write(number)
            programs.wait_until(lambda: self._applied() == number + 1)
        lags = self.servers.database.execute(
            _LAGS, [1 + self.rate * RECONCILING_SECONDS]
        ).fetchall()
        return {**percentiles([lag for (lag,) in lags]), "held": held}

    def _write(self, number: int) -> float:
        command = [sys.executable, "-m", "benchmarks.steady_writer", str(self.rate), str(number)]
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=dict(self.servers.environment()),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode:
            raise ContenderFailed(f"the writer failed:\n{done.stdout[-3_000:]}")
        return float(done.stdout.split()[-1])

    def _applied(self) -> int:
        row = self.servers.database.execute("SELECT count(*) FROM polder_ledger").fetchone()
        assert row is not None
        return int(row[0])
