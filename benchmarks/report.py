"""What was measured: kept as JSON, one result under each name, and shown as tables."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from math import inf
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from deploy.local.stack import ROOT

RESULTS = ROOT / "benchmarks" / "results"  # of every run, for who ran it
RECORD = ROOT / "docs" / "performance" / "results.json"  # of the runs that the page shows


@dataclass(frozen=True)
class Result:
    """One comparison: by contender, ours first, the figures of each round: a `rate`, or percentiles
    p50, p95 and p99."""

    name: str
    title: str
    unit: str
    rounds: Mapping[str, Sequence[Mapping[str, float]]]
    aims: Mapping[str, float]  # rival -> how many times its rate ours should reach at least
    remark: str = ""
    made: Mapping[str, Any] = field(default_factory=dict)  # commit, at, note, machine, settings

    @property
    def ours(self) -> str:
        return next(iter(self.rounds))

    @property
    def figures(self) -> Sequence[str]:
        return tuple(self.rounds[self.ours][0])

    def of(self, contender: str, figure: str) -> list[float]:
        """One figure of every round."""
        return [measured[figure] for measured in self.rounds[contender]]

    def median(self, contender: str, figure: str) -> float:
        return median(self.of(contender, figure))

    def ratio(self, rival: str, figure: str) -> float:
        """Ours to the rival's: the median of the rounds' own ratios, so that a round on a busier
        machine counts like any other."""
        return median(
            ours / theirs if theirs else inf
            for ours, theirs in zip(self.of(self.ours, figure), self.of(rival, figure), strict=True)
        )

    def is_met(self, rival: str) -> bool:
        return self.ratio(rival, "rate") >= self.aims[rival]


def read(path: Path = RECORD) -> dict[str, Result]:
    """By name; empty when there is no such file. Raises OSError, ValueError or TypeError when it
    cannot be read."""
    stored = json.loads(path.read_text()) if path.exists() else {}
    return {name: Result(name=name, **one) for name, one in stored.items()}


def write(results: Sequence[Result], path: Path) -> Path:
    """Adds them to the file, in the place of those with the same names."""
    known = read(path) | {result.name: result for result in results}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        json.dumps({name: _stored(result) for name, result in known.items()}, indent=1) + "\n"
    )
    return path


def show(results: Sequence[Result], console: Console) -> None:
    for result in results:
        console.print()
        console.print(_table(result))
        if result.remark:
            console.print(f"[dim]{result.remark}[/dim]")


def _stored(result: Result) -> dict[str, Any]:
    """Without its name, and as exact as what was measured."""
    stored = {name: value for name, value in asdict(result).items() if name != "name"}
    rounds = {
        contender: [
            {figure: round(value, 2) for figure, value in measured.items()} for measured in rounds
        ]
        for contender, rounds in result.rounds.items()
    }
    return {**stored, "rounds": rounds}


def _table(result: Result) -> Table:
    table = Table(title=f"{result.title} ({result.unit})", title_justify="left")
    for column in (
        "",
        *(["median"] if result.figures == ("rate",) else result.figures),
        "rounds",
        "ours is",
        "aim",
    ):
        table.add_column(column, justify="left" if column in ("", "rounds") else "right")
    for contender in result.rounds:
        table.add_row(*_row(result, contender))
    return table


def _row(result: Result, contender: str) -> Iterator[str]:
    first = result.figures[0]
    form = ",.0f" if first == "rate" else ".1f"
    yield contender
    for figure in result.figures:
        yield f"{result.median(contender, figure):{form}}"
    yield " ".join(f"{value:{form}}" for value in result.of(contender, first))
    ratio = f"{result.ratio(contender, first):.2f} x"
    if contender in result.aims:
        style = "green" if result.is_met(contender) else "red"
        yield f"[{style}]{ratio}[/{style}]"
        yield f">= {result.aims[contender]:g} x"
    else:
        yield "" if contender == result.ours else ratio
        yield ""
