"""What is measured, each from nothing until it takes orders, and down again."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from threading import Event, Thread
from typing import NamedTuple

from benchmarks.story.connection import Connection
from benchmarks.story.customers import Customers
from deploy.local.stack import ROOT, Stack
from tests.blackbox.shop import Shop, expect
from tests.standing import standing_shop

PRODUCTS = 20


class Measured(NamedTuple):
    stack: Stack
    shop: Shop
    customers: Customers


@contextmanager
def open_shop(root: Path = ROOT, *, warehouse: bool = False) -> Iterator[Measured]:
    """Everything that `make up` starts, of the code in `root`; with a `warehouse`, what is ready is
    sent off and delivered meanwhile."""
    with (
        tempfile.TemporaryDirectory(prefix="polder-story-") as folder,
        standing_shop(Path(folder), root=root, strict=False, watched=False) as (stack, shop, _),
    ):
        products = [shop.new_product(weight=100, on_hand=1_000_000) for _ in range(PRODUCTS)]
        meanwhile = _warehouse(shop) if warehouse else nullcontext()
        with watched(stack, shop, products) as measured, meanwhile:
            yield measured


@contextmanager
def watched(stack: Stack, shop: Shop, products: Sequence[str]) -> Iterator[Measured]:
    """With customers, and a look at what becomes of their orders."""
    key = shop.variables["API_KEY"]
    customers = Customers(lambda: Connection(shop.variables["ORDER_URL"], key), products)
    with customers.watched(shop.variables["ORDER_DATABASE_URL"]):
        yield Measured(stack, shop, customers)


@contextmanager
def checked_out(ref: str) -> Iterator[Path]:
    """The code of another commit, in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="polder-story-base-") as folder:
        archive = subprocess.run(
            ["git", "-C", str(ROOT), "archive", ref], stdout=subprocess.PIPE, check=True
        )
        subprocess.run(["tar", "-x", "-C", folder], input=archive.stdout, check=True)
        yield Path(folder)


@contextmanager
def _warehouse(shop: Shop) -> Iterator[None]:
    stopped = Event()
    thread = Thread(target=_send_off, args=(shop, stopped), daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()


def _send_off(shop: Shop, stopped: Event) -> None:
    service = Connection(shop.variables["SHIPPING_URL"], shop.variables["API_KEY"])
    while not stopped.is_set():
        idle = True
        for status, act, body in (
            ("ready", "dispatch", {"carrier": "PostNL", "trackingNumber": "3S1"}),
            ("dispatched", "deliver", {}),
        ):
            found = expect(service.get(f"/api/shipments/?status={status}&limit=50"), 200)
            for shipment in found["results"]:
                if stopped.is_set():
                    return
                idle = False
                with suppress(AssertionError):
                    path = f"/api/shipments/{shipment['shipmentId']}/{act}/"
                    expect(service.post(path, body), 200, 202)
        time.sleep(0.2 if idle else 0.0)
