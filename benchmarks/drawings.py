"""The charts of the page: which bars, and what is said of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchmarks.charts import Bar, Group, chart
from benchmarks.report import Result

ROUNDS = (
    "Bars: the median of the rounds; on them, the lowest and the highest round. Longer is better."
)
LAGS = "Bars: the median lag; on the line, the 95th and the 99th percentile. Shorter is better."


def drawings(results: Mapping[str, Result]) -> dict[str, str]:
    """By the name of the file: those of what has been measured."""
    drawn = {}
    for name in ("story", "relay", "apply"):
        if name in results:
            drawn[name] = chart(
                f"{results[name].title}, {results[name].unit}",
                ROUNDS,
                [Group("", _rates(results[name]))],
            )
    if lags := family(results, "lag"):
        drawn["lag"] = chart(
            "Lag from service to service, ms",
            LAGS,
            [Group(_rate_of(lag), _lags(lag)) for lag in lags],
        )
    if writes := family(results, "write"):
        groups = [Group(count(number(one.name)), _rates(one)) for one in writes]
        drawn["write"] = chart(
            "What the outbox costs a writer, transactions/s", ROUNDS, groups, one_scale=False
        )
    return drawn


def family(results: Mapping[str, Result], kind: str) -> list[Result]:
    """`lag-50`, `lag-200`, ...: from the smallest number up."""
    names = [name for name in results if name.startswith(f"{kind}-")]
    return [results[name] for name in sorted(names, key=number)]


def number(name: str) -> int:
    return int(name.rpartition("-")[2])


def _rates(result: Result) -> Sequence[Bar]:
    return [
        Bar(
            contender,
            f"{result.median(contender, 'rate'):,.0f}",
            result.median(contender, "rate"),
            (min(result.of(contender, "rate")), max(result.of(contender, "rate"))),
            contender == result.ours,
        )
        for contender in result.rounds
    ]


def _lags(result: Result) -> Sequence[Bar]:
    return [
        Bar(
            contender,
            f"{result.median(contender, 'p50'):.1f}",
            result.median(contender, "p50"),
            tuple(result.median(contender, figure) for figure in ("p50", "p95", "p99")),
            contender == result.ours,
        )
        for contender in result.rounds
    ]


def _rate_of(result: Result) -> str:
    return f"{number(result.name)} events/s"


def count(writers: int) -> str:
    return "1 writer" if writers == 1 else f"{writers} writers"
