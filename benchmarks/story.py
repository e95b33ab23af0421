"""The whole shop on this machine: customers in a closed loop, from `POST` to delivered.

`python -m benchmarks story [--base <git ref>] [--seconds 20] [--customers 8]` starts a shop of its
own, lets customers order two lines each as fast as they are answered while a warehouse sends off
what is ready, and prints orders a second, processor time per order by process, and how long it took
from `POST` to confirmed. With `--base`, the shop of another commit is measured before and after, in
the same run.
"""

from __future__ import annotations

import argparse
import http.client
import json
import random
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import psutil
from rich.console import Console
from rich.table import Table

from benchmarks.percentiles import percentile
from deploy.local.stack import ROOT
from tests.blackbox.shop import ADDRESS, CUSTOMER, Shop, expect, until
from tests.disturbed import DisturbedStack
from tests.standing import standing_shop

PRODUCTS = 20
WARM_UP = 5.0  # seconds, not counted
_CONFIRMED = """
SELECT subject, extract(epoch FROM created_at)::float FROM polder_outbox
WHERE type = 'OrderConfirmed'
"""


@dataclass
class Clerk:
    """Customers and a warehouse, over connections that stay open."""

    shop: Shop
    products: list[str]
    asked: dict[str, float] = field(default_factory=dict)  # when each order's POST began
    delivered: int = 0
    stopped: bool = False

    def customer(self, seed: int) -> None:
        chance, service = random.Random(seed), Connection(self.shop, "order")
        while not self.stopped:
            lines = [
                {"productId": product, "quantity": 1} for product in chance.sample(self.products, 2)
            ]
            began = time.time()
            order = {"customer": CUSTOMER, "shippingAddress": ADDRESS, "products": lines}
            answer = expect(service.post("/api/orders/", order), 201)
            self.asked[answer["orderId"]] = began

    def warehouse(self) -> None:
        service = Connection(self.shop, "shipping")
        while not self.stopped:
            idle = True
            for status, act, body in (
                ("ready", "dispatch", {"carrier": "PostNL", "trackingNumber": "3S1"}),
                ("dispatched", "deliver", {}),
            ):
                found = expect(service.get(f"/api/shipments/?status={status}&limit=50"), 200)
                for shipment in found["results"]:
                    if self.stopped:
                        return
                    idle = False
                    with suppress(AssertionError):
                        path = f"/api/shipments/{shipment['shipmentId']}/{act}/"
                        expect(service.post(path, body), 200, 202)
                        self.delivered += act == "deliver"
            time.sleep(0.2 if idle else 0.0)


class Connection:
    """To one service of a shop, kept open."""

    def __init__(self, shop: Shop, service: str) -> None:
        address = urlsplit(shop.variables[f"{service.upper()}_URL"])
        self._http = http.client.HTTPConnection(str(address.hostname), address.port, timeout=60)
        self._headers = {
            "Authorization": f"Api-Key {shop.variables['API_KEY']}",
            "Content-Type": "application/json",
        }

    def get(self, path: str) -> tuple[int, Any]:
        return self._ask("GET", path, None, {})

    def post(self, path: str, body: object) -> tuple[int, Any]:
        return self._ask("POST", path, json.dumps(body), {"Idempotency-Key": str(uuid4())})

    def _ask(
        self, method: str, path: str, body: str | None, headers: Mapping[str, str]
    ) -> tuple[int, Any]:
        try:
            self._http.request(method, path, body, self._headers | dict(headers))
            response = self._http.getresponse()
        except (http.client.RemoteDisconnected, ConnectionError):
            self._http.close()  # kept open for too long
            self._http.request(method, path, body, self._headers | dict(headers))
            response = self._http.getresponse()
        content = response.read()
        return response.status, json.loads(content) if content else None


@dataclass(frozen=True)
class Figures:
    orders: float  # accepted, a second
    confirmed: float
    delivered: float
    p50: float  # ms from the POST to the confirmation
    p95: float
    milliseconds: Mapping[str, float]  # of processor time per order, by process

    @property
    def total(self) -> float:
        return sum(self.milliseconds.values())


def measure(root: Path, customers: int, seconds: float) -> Figures:
    """One shop, from nothing to the figures, and down again."""
    with (
        tempfile.TemporaryDirectory(prefix="polder-story-") as folder,
        standing_shop(Path(folder), root=root, strict=False, watched=False) as (stack, shop, _),
    ):
        clerk = Clerk(shop, _stocked(shop))
        with ThreadPoolExecutor(customers + 1) as pool:
            work = [pool.submit(clerk.customer, number) for number in range(customers)]
            work.append(pool.submit(clerk.warehouse))
            time.sleep(WARM_UP)
            before, began = _spent(stack), time.time()
            orders, delivered = len(clerk.asked), clerk.delivered
            time.sleep(seconds)
            after, ended = _spent(stack), time.time()
            orders, delivered = len(clerk.asked) - orders, clerk.delivered - delivered
            clerk.stopped = True
            for one in work:
                one.result()
        until(lambda: _undecided(shop) == 0, "every order is decided", seconds=300)
        confirmed = dict(shop.rows("order", _CONFIRMED))
    lags = [
        (confirmed[key] - asked) * 1000
        for key, asked in clerk.asked.items()
        if began <= asked <= ended and key in confirmed
    ]
    took = ended - began
    return Figures(
        orders / took,
        sum(began <= at <= ended for at in confirmed.values()) / took,
        delivered / took,
        percentile(lags, 50),
        percentile(lags, 95),
        {name: (after[name] - before.get(name, 0.0)) * 1000 / orders for name in after},
    )


def _stocked(shop: Shop) -> list[str]:
    return [shop.new_product(weight=100, on_hand=1_000_000) for _ in range(PRODUCTS)]


def _undecided(shop: Shop) -> int:
    return int(shop.rows("order", "SELECT count(*) FROM orders WHERE status = 'pending'")[0][0])


def _spent(stack: DisturbedStack) -> dict[str, float]:
    """Seconds of processor time by process, each with all that it has begun."""
    spent: dict[str, float] = defaultdict(float)
    names = ["postgres", "rabbitmq", *(spec.name for spec in stack.catalogue.all())]
    for name in names:
        pid = stack.process(name).pid
        if pid is None:
            continue
        tree = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
        for process in tree:
            with suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                spent[_kind(name)] += times.user + times.system
    return spent


def _kind(name: str) -> str:
    """Of a service's processes each by itself; those of one role that do little together."""
    role = name.rpartition("-")[2]
    return role if role in ("relay", "housekeeper", "beat") else name


@contextmanager
def checked_out(ref: str) -> Iterator[Path]:
    """The code of another commit, in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="polder-story-base-") as folder:
        archive = subprocess.run(
            ["git", "-C", str(ROOT), "archive", ref], stdout=subprocess.PIPE, check=True
        )
        subprocess.run(["tar", "-x", "-C", folder], input=archive.stdout, check=True)
        yield Path(folder)


def show(figures: Mapping[str, Figures]) -> None:
    table = Table("", *figures)
    rows: Sequence[tuple[str, Callable[[Figures], str]]] = (
        ("orders/s accepted", lambda one: f"{one.orders:.1f}"),
        ("orders/s confirmed", lambda one: f"{one.confirmed:.1f}"),
        ("orders/s delivered", lambda one: f"{one.delivered:.1f}"),
        ("POST to confirmed, p50 ms", lambda one: f"{one.p50:.0f}"),
        ("POST to confirmed, p95 ms", lambda one: f"{one.p95:.0f}"),
        ("processor ms per order", lambda one: f"{one.total:.1f}"),
    )
    for title, value in rows:
        table.add_row(title, *(value(one) for one in figures.values()))
    names = next(iter(figures.values())).milliseconds
    for name in sorted(names, key=names.__getitem__, reverse=True):
        table.add_row(f"  {name}", *(f"{one.milliseconds[name]:.1f}" for one in figures.values()))
    Console(highlight=False, width=None if sys.stdout.isatty() else 110).print(table)


def main(arguments: Sequence[str]) -> int:
    top = argparse.ArgumentParser(
        prog="python -m benchmarks story",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--base", help="a commit to compare with")
    top.add_argument("--seconds", type=float, default=20.0)
    top.add_argument("--customers", type=int, default=8)
    options = top.parse_args(arguments)
    figures: dict[str, Figures] = {}
    if options.base:
        with checked_out(options.base) as root:
            figures[options.base] = measure(root, options.customers, options.seconds)
    figures["here"] = measure(ROOT, options.customers, options.seconds)
    show(figures)
    return 0
