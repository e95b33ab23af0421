"""What is compared: ours and its rivals, measured by turns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from benchmarks.contender import Contender
from benchmarks.report import Result
from deploy.local.progress import Progress


class Comparison(Protocol):
    """The first of `contenders` is ours."""

    name: str  # of its result, stable: `relay`, `lag-50`
    title: str
    unit: str
    remark: str
    aims: Mapping[str, float]  # rival -> how many times its rate ours should reach at least

    @property
    def contenders(self) -> Sequence[Contender]: ...

    def ready(self) -> AbstractContextManager[object]:
        """Around all that is measured."""

    def measure(self, contender: Contender) -> Mapping[str, float]:
        """One round: a `rate` in `unit`, or percentiles."""


def interleaved(comparison: Comparison, rounds: int, progress: Progress) -> Result:
    """Ours, theirs, ours, theirs ...: what the machine does besides hits all alike."""
    measured: dict[str, list[Mapping[str, float]]] = {contender.name: [] for contender in comparison.contenders}
    result = Result(comparison.name, comparison.title, comparison.unit, measured, comparison.aims, comparison.remark)
    with comparison.ready():
        for number in range(1, rounds + 1):
            for contender in comparison.contenders:
                with progress.step(f"{comparison.name} {number}/{rounds}: {contender.name}"):
                    measured[contender.name].append(comparison.measure(contender))
                progress.note(told(measured[contender.name][-1], comparison.unit))
    return result


def told(figures: Mapping[str, float], unit: str) -> str:
    """`29,400 events/s`, or `p50 8.1, p95 12.0, p99 15.3 ms, at 50 events/s`."""
    if "rate" in figures:
        return f"{figures['rate']:,.0f} {unit}"
    lags = ", ".join(f"{name} {value:.1f}" for name, value in figures.items() if name != "held")
    return f"{lags} {unit}, at {figures['held']:.0f} events/s"
