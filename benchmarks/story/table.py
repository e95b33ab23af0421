"""What was measured of the whole shop, beside each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median

from rich.console import Console
from rich.table import Table

from benchmarks.report import Result

TITLES = {
    "rate": "orders/s, until the last effect",
    "held": "orders/s held at a p95 under 250 ms",
    "accepted": "orders/s accepted meanwhile",
    "p50": "POST to confirmed, p50 ms",
    "p95": "POST to confirmed, p95 ms",
    "ms": "processor ms per order",
}


def show_stories(results: Sequence[Result], console: Console) -> None:
    for result in results:
        table = Table("", *result.rounds, title=result.title, title_justify="left")
        for row in figure_rows(result):
            table.add_row(*row)
        console.print("", table)
        for line in ratio_lines(result):
            console.print(line)
        console.print(f"[dim]{result.remark}[/dim]")


def figure_rows(result: Result) -> Iterator[Sequence[str]]:
    """Of every figure its median, of each contender that has it."""
    names = dict.fromkeys(
        name for rounds in result.rounds.values() for one in rounds for name in one
    )
    for name in names:
        title = "held" if name == "rate" and result.name.startswith("story-rates") else name
        cells = [_median(result, contender, name) for contender in result.rounds]
        yield TITLES.get(title, title.replace("ms of", "-")), *cells


def ratio_lines(result: Result) -> Iterator[str]:
    for rival in list(result.rounds)[1:]:
        rate, cost = result.ratio(rival, "rate"), result.ratio(rival, "ms")
        aim = f" (aim: {result.aims[rival]:g})" if rival in result.aims else ""
        yield f"{result.ours}: {rate:.2f} of {rival}{aim}, {cost:.2f} of its processor time"


def _median(result: Result, contender: str, figure: str) -> str:
    found = [one[figure] for one in result.rounds[contender] if figure in one]
    return f"{median(found):,.1f}" if found else ""
