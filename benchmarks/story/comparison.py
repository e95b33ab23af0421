"""The shop and its rivals under one load, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import partial

from benchmarks.comparison import OneByOne
from benchmarks.contender import Contender
from benchmarks.machine import machine
from benchmarks.rivals.standing import open_rival
from benchmarks.servers import Servers
from benchmarks.story.customers import Load
from benchmarks.story.measuring import Figures, measure
from benchmarks.story.shops import Measured, checked_out, open_shop

WARM_UP = 5.0  # seconds, not counted
SHOP = "the shop"
BY_HAND, USUAL, KEPT = "by hand", "the usual way", "the usual way, connections kept"
RIVALS: Mapping[str, Callable[[], AbstractContextManager[Measured]]] = {
    BY_HAND: partial(open_rival, "by_hand"),
    USUAL: partial(open_rival, "usual"),
    KEPT: partial(open_rival, "usual", KEEP_CONNECTIONS="1"),
}
AIMS = {BY_HAND: 0.5, USUAL: 3.0}  # times their rate
# Of the time that customers order in a closed loop: these take orders much faster than they confirm
# them, and all of them have to be.
SHARES = {USUAL: 0.2, KEPT: 0.4}


class StoryComparison(OneByOne):
    """With several `rates`, each contender gets one after the other until one is too much for it:
    its rate is the highest at which 95 % of the orders were confirmed in time."""

    unit = "orders/s"
    rounds = 3
    remark = (
        "Until the last effect, which is checked: order confirmed, stock reserved, shipment ready, "
        "and the copies of all that in the other services. The usual way has no outbox, no ledger "
        "and no idempotency, and loses events when it is killed. By hand, nothing is validated, "
        "nothing is parked, one bad message stops it, and nobody sees what happens."
    )

    def __init__(
        self,
        load: Load,
        rates: Sequence[float],
        seconds: float,
        *,
        rivals: Sequence[str],
        base: str = "",
        warehouse: bool = False,
    ) -> None:
        self.name = "story-rates" if rates else "story"
        self.name += "-until-confirmed" if load.until_confirmed else ""
        rising = " and ".join(f"{rate:g}" for rate in rates)
        self.title = f"The whole shop, {f'{rising} orders/s' if rates else load}"
        self.loads = [replace(load, rate=rate) for rate in rates] or [load]
        self.seconds, self.base, self.warehouse = seconds, base, warehouse
        names = [SHOP, *([base] if base else []), *rivals]
        self.contenders = [Contender(name, (), share=SHARES.get(name, 1.0)) for name in names]
        self.aims = {name: AIMS[name] for name in rivals if name in AIMS}

    def machine(self) -> Mapping[str, str]:
        return self._machine

    def measure(self, contender: Contender) -> Mapping[str, float]:
        with self._open(contender.name) as (stack, shop, customers):
            servers = Servers(stack)
            with servers.database, servers.publisher:
                self._machine = machine(servers)
            measured = partial(measure, stack, shop, customers, warehouse=self.warehouse)
            measured(replace(self.loads[0], rate=0.0), WARM_UP * contender.share)
            tried: dict[float, Figures] = {}
            for load in self.loads:
                share = 1.0 if load.rate or load.until_confirmed else contender.share
                figures = tried[load.rate] = measured(load, self.seconds * share)
                if load.rate and not figures.holds:
                    break
        return dict(told(tried))

    @contextmanager
    def _open(self, name: str) -> Iterator[Measured]:
        if name in RIVALS:
            with RIVALS[name]() as measured:
                yield measured
        elif name == self.base:
            with checked_out(name) as root, open_shop(root, warehouse=self.warehouse) as measured:
                yield measured
        else:
            with open_shop(warehouse=self.warehouse) as measured:
                yield measured


def told(tried: Mapping[float, Figures]) -> Iterator[tuple[str, float]]:
    """Of the highest rate that was held, or of the first; and how late each was."""
    held = [rate for rate, figures in tried.items() if rate and figures.holds]
    best = max(held, default=next(iter(tried)))
    figures = tried[best]
    yield "rate", (best if held else 0.0) if best else figures.done
    yield "accepted", figures.accepted
    yield "p50", figures.p50
    yield "p95", figures.p95
    yield "ms", figures.total
    for name in sorted(figures.milliseconds, key=figures.milliseconds.__getitem__, reverse=True):
        yield f"ms of {name}", figures.milliseconds[name]
    yield "ms of the customers", figures.customers
    if best:
        yield from ((f"p95 at {rate:g}", one.p95) for rate, one in tried.items())
