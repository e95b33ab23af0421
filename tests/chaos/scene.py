"""Where faults are injected: a whole shop at work, and what one needs to disturb it."""

from __future__ import annotations

import random
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from deploy.local.environment import VHOST
from deploy.local.stack import ROOT
from polder.broker.management_api import ManagementApi
from polder.process.failpoints import VARIABLE, Failpoint
from tests.blackbox.copies import subscribers_of
from tests.blackbox.shop import OWNERS, Shop, until
from tests.disturbed import DisturbedStack
from tests.invariants import Checker
from tests.load import PATIENCE, Load
from tests.standing import standing_shop
from tests.temporary import failpoints_in, temporary_folder

ORDERS = 40  # accepted before a fault is injected, and between two steps of one


@dataclass
class Scene:
    """`chance` is seeded: the same faults are injected in the same places. `full`: as long as the
    catalogue says, and not in short."""

    stack: DisturbedStack
    shop: Shop
    load: Load
    checker: Checker
    chance: random.Random
    failpoints: Path
    full: bool = False

    def service(self) -> str:
        return self.chance.choice(OWNERS)

    def seconds(self, *, full: float, short: float) -> float:
        return full if self.full else short

    def orders(self, count: int = ORDERS) -> None:
        """Waits until so many more are accepted."""
        self.load.more(count)

    def kill(self, process: str, number: signal.Signals = signal.SIGKILL) -> None:
        """Does nothing to a process that is dead already. It is started again at once."""
        with suppress(ProcessLookupError):
            self.stack.kill(process, number)
        self.stack.reset_backoff(process)

    def kill_only(self, process: str, number: signal.Signals) -> None:
        """A signal that does not end it. Does nothing to a process that is dead already."""
        with suppress(ProcessLookupError):
            self.stack.kill(process, number)

    def management(self, host: str = "") -> ManagementApi:
        """The deploy user's; of one broker of a cluster, if `host` says which."""
        urls = self.shop.variables["RABBITMQ_MANAGEMENT_URL"].split(";")
        return ManagementApi(next(url for url in urls if f"@{host}" in url), VHOST)

    def kill_and_wait(self, process: str) -> None:
        self.kill(process)
        self.stack.wait_ready(process)

    def arm(self, service: str, point: Failpoint, action: str) -> Path:
        """`action` is kill, raise or `pause 2`. Returns the file that is there once a process of
        the service has come to the point."""
        armed = self.failpoints / f"{service}.{point}"
        hit = Path(f"{armed}.hit")
        hit.unlink(missing_ok=True)
        armed.with_suffix(".new").write_text(action)
        armed.with_suffix(".new").rename(armed)
        return hit

    def inject_at(self, service: str, point: Failpoint, action: str, seconds: float = 60.0) -> None:
        """Arms the point, waits until a process has come to it, and until all of the service is
        ready again."""
        hit = self.arm(service, point, action)
        until(hit.exists, f"{service} comes to {point}", seconds)
        self.stack.reset_backoff(service)
        self.stack.wait_ready(service)

    def disarm(self) -> None:
        for armed in self.failpoints.iterdir():
            armed.unlink(missing_ok=True)


@contextmanager
def scene_of_its_own(
    seed: int,
    pause: float,
    *,
    full: bool = False,
    brokers: int = 1,
    root: Path = ROOT,
    strict: bool = True,
    watched: bool = True,
    patience: float = PATIENCE,
) -> Iterator[Scene]:
    """A whole shop, with its failpoints ready to be armed; see `standing_shop`. `patience`: seconds
    until a customer gives up."""
    with temporary_folder("chaos") as folder:
        failpoints = failpoints_in(folder)
        with standing_shop(
            folder,
            {VARIABLE: str(failpoints)},
            root=root,
            strict=strict,
            brokers=brokers,
            watched=watched,
        ) as (stack, shop, checker):
            load = Load(shop, seed=seed, pause=pause, merchant=True, patience=patience)
            yield Scene(stack, shop, load, checker, random.Random(seed), failpoints, full)


def in_flight(shop: Shop) -> int:
    """Events committed that some subscriber has not applied yet, counted once for each of them. Too
    low by what moves while it counts."""
    had = sum(shop.rows(owner, "SELECT count(*) FROM polder_ledger")[0][0] for owner in OWNERS)
    due = sum(_events_of(shop, owner) * len(subscribers_of(owner)) for owner in OWNERS)
    return max(0, due - int(had))


def events(shop: Shop) -> int:
    """Committed in all services together."""
    return sum(_events_of(shop, owner) for owner in OWNERS)


def _events_of(shop: Shop, owner: str) -> int:
    return int(shop.rows(owner, "SELECT count(*) FROM polder_outbox")[0][0])
