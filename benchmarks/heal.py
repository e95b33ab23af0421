"""Many rows resynced and audited while a whole shop works.

`python -m benchmarks heal [--rows 500000] [--audited 1000000] [--events 30000]` starts a shop of
its own and gives inventory so many products of which nobody has heard. Then: live orders alone; a
resync of all products to shipping beside them; the same worker applying a queue of so many events
of products; more products, and a quick and a deep audit of all of them, again beside live orders.
Prints rates, the lag of live events at shipping in each stage, and the memory of each process.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.events import product_changes
from benchmarks.percentiles import percentile
from deploy.local.environment import ADMIN_USER
from polder.broker.confirms import ConfirmedPublisher, Outgoing
from polder.contracts.event import CONTENT_TYPE
from tests.blackbox.shop import Shop, until
from tests.chaos.soak.usage import memory
from tests.disturbed import DisturbedStack
from tests.load import Load
from tests.standing import standing_shop

PRODUCT = "inventory.product"
UNBOUND = 1_000_000  # rows per second that a resync may bring: as many as it can
PAUSE = 0.4  # seconds between the orders of each customer
ALONE = 30.0  # seconds of live orders alone
LONGEST = 7200.0
WINDOW = 500
_MAKE = """
INSERT INTO inventory_product (product_id, name, price, currency, weight_grams, version)
SELECT 'b' || lpad(n::text, 9, '0'), 'Tent peg ' || n, 1.50, 'EUR', 100, 1
FROM generate_series(%s, %s) AS n
"""
_LAGS = """
SELECT extract(epoch FROM applied_at - occurred_at)::float * 1000 FROM polder_ledger
WHERE applied_at BETWEEN to_timestamp(%s) AND to_timestamp(%s)
"""
_RUN = """
SELECT state, rows_done, rows_changed, rows_drifted, extract(epoch FROM progressed_at - started_at)
FROM polder_replication_replicastate WHERE aggregate = 'inventory.product'
"""


@dataclass
class Stage:
    """Seconds that it took, rows or events a second, and how late live events were meanwhile."""

    seconds: float
    rate: float
    p50: float
    p95: float


@dataclass
class Figures:
    stages: dict[str, Stage] = field(default_factory=dict)
    memory: dict[str, Mapping[str, float]] = field(default_factory=dict)


@dataclass
class Bench:
    stack: DisturbedStack
    shop: Shop
    figures: Figures = field(default_factory=Figures)
    made: int = 0

    def make(self, rows: int) -> None:
        """Products of which no event tells."""
        with self.stack.postgres.connect("polder_inventory") as server:
            server.execute("SELECT set_config('polder.guard', 'off', false)")
            server.execute(_MAKE, [self.made + 1, rows])
            server.execute("ANALYZE inventory_product")
        self.made = rows

    @contextmanager
    def stage(self, name: str, rows: int) -> Iterator[None]:
        self.figures.memory[f"before {name}"] = memory(self.stack)
        began = time.time()
        yield
        ended = time.time()
        lags = [lag for (lag,) in self.shop.rows("shipping", _LAGS, began, ended)]
        seconds = ended - began
        # so short a stage may see no event
        p50, p95 = (percentile(lags or [0.0], percent) for percent in (50, 95))
        self.figures.stages[name] = Stage(seconds, rows / seconds, p50, p95)
        self.figures.memory[f"after {name}"] = memory(self.stack)
        print(f"{name}: {self.figures.stages[name]}", flush=True)

    def until_complete(self) -> None:
        def over() -> bool:
            [[state, *rest]] = self.shop.rows("shipping", _RUN)
            if sys.stdout.isatty():
                print(f"\r{state} {rest}", end="", flush=True)
            return bool(state == "complete")

        until(over, "it is complete", LONGEST, every=0.5)

    def resync(self, rows: int) -> None:
        options = ("--all", "--no-wait", "--rate", str(UNBOUND))
        self.stack.manage("shipping", "resync", PRODUCT, *options)
        with self.stage("resync", rows):
            self.until_complete()

    def audit(self, rows: int, *options: str) -> None:
        self.stack.manage(
            "shipping", "audit", PRODUCT, *options, "--rate", str(UNBOUND), "--no-wait"
        )
        with self.stage(" ".join(("audit", *options)), rows):
            self.until_complete()

    def queue(self, number: int) -> None:
        """Events of products that inventory does not have, into the exchange while nobody reads."""
        self.stack.stop_process("shipping-worker")
        publisher = ConfirmedPublisher(
            self.stack.environment.amqp_url(ADMIN_USER),
            "inventory.events",
            content_type=CONTENT_TYPE,
        )
        events = [
            Outgoing(str(one.id), one.type, one.encode().encode())
            for one in product_changes(number)
        ]
        for begin in range(0, len(events), WINDOW):
            publisher.publish(events[begin : begin + WINDOW])
        publisher.close()
        ledger = "SELECT count(*) FROM polder_ledger WHERE type = 'ProductChanged'"
        self.stack.start_process("shipping-worker")
        until(lambda: self.shop.rows("shipping", ledger)[0][0] >= number / 10, "it has begun", 300)
        with self.stage("queue of events", number * 9 // 10):
            until(
                lambda: self.shop.rows("shipping", ledger)[0][0] >= number, "all are applied", 900
            )


def measure(rows: int, audited: int, events: int) -> Figures:
    with (
        tempfile.TemporaryDirectory(prefix="polder-heal-") as folder,
        standing_shop(Path(folder), strict=False, watched=False) as (stack, shop, _),
    ):
        bench, load = Bench(stack, shop), Load(shop, pause=PAUSE, customers=2)
        with load.flowing():
            load.more(20)
            with bench.stage("live orders alone", 0):
                time.sleep(ALONE)
            bench.make(rows)
            bench.resync(rows)
            bench.make(max(rows, audited))
            if audited > rows:
                bench.resync(bench.made)
            bench.audit(bench.made)
            bench.audit(bench.made, "--deep")
        bench.queue(events)
    return bench.figures


def show(figures: Figures) -> None:
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 110)
    table = Table("", "seconds", "per second", "lag p50 ms", "lag p95 ms")
    for name, one in figures.stages.items():
        rate = f"{one.rate:,.0f}" if one.rate else ""
        table.add_row(name, f"{one.seconds:.1f}", rate, f"{one.p50:.0f}", f"{one.p95:.0f}")
    console.print(table)
    moments = list(figures.memory)
    table = Table("MB", *moments)
    for name in sorted(figures.memory[moments[0]]):
        table.add_row(name, *(f"{figures.memory[at].get(name, 0):.0f}" for at in moments))
    console.print(table)


def main(arguments: Sequence[str]) -> int:
    top = argparse.ArgumentParser(
        prog="python -m benchmarks heal",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--rows", type=int, default=500_000)
    top.add_argument("--audited", type=int, default=1_000_000)
    top.add_argument("--events", type=int, default=30_000)
    options = top.parse_args(arguments)
    show(measure(options.rows, options.audited, options.events))
    return 0
