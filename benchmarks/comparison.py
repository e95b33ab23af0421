"""What is compared: ours and its rivals, measured by turns."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import ClassVar

from benchmarks.contender import Contender
from benchmarks.machine import machine
from benchmarks.report import Result
from benchmarks.servers import Servers
from deploy.local.terminal import Terminal

Figures = Mapping[str, float]  # a `rate`, or percentiles


class Comparison(ABC):
    """The first of `contenders` is ours."""

    name: str  # of its result, stable: `relay`, `lag-50`
    title: str
    unit: ClassVar[str]
    remark: ClassVar[str]
    contenders: Sequence[Contender]
    # rival -> how many times its rate ours should reach at least
    aims: Mapping[str, float]
    rounds: ClassVar[int] = 5
    servers: Servers

    def machine(self) -> Mapping[str, str]:
        """What it was measured on."""
        return machine(self.servers)

    @contextmanager
    def ready(self) -> Iterator[None]:
        """Around all rounds."""
        yield

    @abstractmethod
    def round(self, label: str, progress: Terminal) -> Mapping[str, Figures]:
        """The figures of each contender, measured by turns: what the machine does besides hits all
        alike."""


class OneByOne(Comparison):
    """Its contenders run one after the other: ours, theirs, ours, theirs."""

    @abstractmethod
    def measure(self, contender: Contender) -> Figures:
        """One of them, once."""

    def round(self, label: str, progress: Terminal) -> Mapping[str, Figures]:
        measured = {}
        for contender in self.contenders:
            with progress.step(f"{label}: {contender.name}"):
                measured[contender.name] = self.measure(contender)
            progress.say(told(measured[contender.name], self.unit))
        return measured


def interleaved(comparison: Comparison, rounds: int, progress: Terminal) -> Result:
    """So many rounds of it."""
    with comparison.ready():
        measured = [
            comparison.round(f"{comparison.name} {number}/{rounds}", progress)
            for number in range(1, rounds + 1)
        ]
    by_contender = {
        contender.name: [one[contender.name] for one in measured]
        for contender in comparison.contenders
    }
    return Result(
        comparison.name,
        comparison.title,
        comparison.unit,
        by_contender,
        comparison.aims,
        comparison.remark,
    )


def told(figures: Figures, unit: str) -> str:
    """`29,400 events/s`, or `p50 8.1, p95 12.0, p99 15.3 ms, at 50 events/s`."""
    if "rate" in figures:
        return f"{figures['rate']:,.0f} {unit}"
    lags = ", ".join(f"{name} {value:.1f}" for name, value in figures.items() if name != "held")
    return f"{lags} {unit}, at {figures['held']:.0f} events/s"
