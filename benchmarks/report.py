"""What was measured, for people (a table) and for machines (JSON under benchmarks/results/)."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Result:
    """One comparison's rates in events per second, by contender, one per round; ours is the first of `rates`."""

    title: str
    rates: Mapping[str, Sequence[float]]
    aims: Mapping[str, float]  # rival -> how many times its rate ours should reach at least
    remark: str = ""

    @property
    def ours(self) -> str:
        return next(iter(self.rates))

    def ratio(self, rival: str) -> float:
        """Of the medians."""
        return median(self.rates[self.ours]) / median(self.rates[rival])

    def is_met(self, rival: str) -> bool:
        return self.ratio(rival) >= self.aims[rival]

    def as_json(self) -> dict[str, object]:
        return {
            "title": self.title,
            "ours": self.ours,
            "events_per_second": {
                name: {"median": round(median(rates)), "peak": round(max(rates)), "rounds": [round(rate) for rate in rates]}
                for name, rates in self.rates.items()
            },
            "ratios": {rival: {"ratio": round(self.ratio(rival), 3), "aim": aim} for rival, aim in self.aims.items()},
        }


@dataclass
class Report:
    settings: Mapping[str, object]
    results: list[Result] = field(default_factory=list)
    begun_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def write(self) -> Path:
        RESULTS.mkdir(exist_ok=True)
        path = RESULTS / f"{self.begun_at:%Y%m%dT%H%M%SZ}.json"
        machine = {"python": platform.python_version(), "cores": os.cpu_count(), "system": platform.platform()}
        document = {
            "begun_at": self.begun_at.isoformat(),
            "machine": machine,
            "settings": dict(self.settings),
            "results": [result.as_json() for result in self.results],
        }
        path.write_text(json.dumps(document, indent=2) + "\n")
        return path

    def show(self, console: Console) -> None:
        for result in self.results:
            console.print()
            console.print(_table(result))
            if result.remark:
                console.print(f"[dim]{result.remark}[/dim]")


def _table(result: Result) -> Table:
    table = Table(title=f"{result.title} (events/s)", title_justify="left")
    for column in ("", "median", "peak", "rounds", "ours is", "aim"):
        table.add_column(column, justify="left" if column in ("", "rounds") else "right")
    for name, rates in result.rates.items():
        row = [name, f"{median(rates):,.0f}", f"{max(rates):,.0f}", " ".join(f"{rate:,.0f}" for rate in rates)]
        if name in result.aims:
            style = "green" if result.is_met(name) else "red"
            table.add_row(*row, f"[{style}]{result.ratio(name):.2f} x[/{style}]", f">= {result.aims[name]:g} x")
        else:
            table.add_row(*row, "" if name == result.ours else f"{result.ratio(name):.2f} x", "")
    return table
