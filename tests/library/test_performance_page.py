"""What the benchmarks measured, on the page, in the charts and in the README."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks import page, sections
from benchmarks.drawings import drawings
from benchmarks.percentiles import percentile, percentiles
from benchmarks.report import Result, read, write
from benchmarks.writer import TURN, turn

MADE = {
    "commit": "abc1234",
    "at": "2026-01-02T03:04:05+00:00",
    "note": "on an idle machine",
    "machine": {"memory": "24 GiB"},
}
RATES = {
    "relay": [{"rate": 900.0}, {"rate": 1100.0}, {"rate": 1000.0}],
    "by hand": [{"rate": 2000.0}] * 3,
}
LAGS = {
    "relay and worker": [{"p50": 10.0, "p95": 20.0, "p99": 31.4, "held": 49.6}] * 3,
    "by hand": [{"p50": 4.0, "p95": 5.0, "p99": 6.0, "held": 50.0}] * 3,
}
RELAY = Result("relay", "Relay", "events/s", RATES, {"by hand": 0.4}, made=MADE)
WRITES = [
    Result(
        f"write-{n}",
        f"Write cost with {n}",
        "transactions/s",
        {"publish()": [{"rate": 80.0}], "no outbox": [{"rate": 100.0}]},
        {},
        made=MADE,
    )
    for n in (8, 1)
]
LAG = [Result(f"lag-{rate}", f"Lag at {rate}", "ms", LAGS, {}, made=MADE) for rate in (500, 50)]
STORY = Result(
    "story",
    "The whole shop",
    "orders/s",
    {
        "the shop": [{"rate": 30.0, "ms": 60.0, "ms of flower": 2.5}] * 3,
        "by hand": [{"rate": 90.0, "ms": 20.0}] * 3,
    },
    {"by hand": 0.5},
    made=MADE,
)
ALL = {result.name: result for result in (RELAY, *WRITES, *LAG)}


@pytest.mark.parametrize(
    ("values", "percent", "expected"),
    [
        ([5.0], 99, 5.0),
        ([4.0, 1.0, 3.0, 2.0], 50, 2.0),
        ([float(n) for n in range(1, 101)], 95, 95.0),
        ([1.0, 2.0], 99, 2.0),
        ([1.0, 2.0], 0, 1.0),
    ],
)
def test_a_percentile_is_one_of_the_values(
    values: list[float], percent: float, expected: float
) -> None:
    assert percentile(values, percent) == expected


def test_no_values_have_no_percentiles() -> None:
    with pytest.raises(ValueError, match="no values"):
        percentiles([])


def test_every_way_of_writing_has_one_turn_in_each_cycle() -> None:
    names = ["a", "b", "c", "d"]
    taken = [turn(names, TURN * (index + 0.5)) for index in range(64)]
    assert all(sorted(taken[begin : begin + 4]) == names for begin in range(0, 64, 4))
    assert {taken[index - 1] for index in range(1, 64) if taken[index] == "a"} >= {"b", "d"}


def test_a_ratio_is_the_median_of_those_of_the_rounds_and_an_aim_is_met_from_it_on() -> None:
    busy = Result(
        "relay",
        "",
        "",
        {
            "ours": [{"rate": 10.0}, {"rate": 90.0}, {"rate": 80.0}],
            "theirs": [{"rate": 20.0}, {"rate": 90.0}, {"rate": 160.0}],
        },
        {},
    )
    assert busy.ratio("theirs", "rate") == 0.5
    assert RELAY.ratio("by hand", "rate") == 0.5
    assert RELAY.is_met("by hand")
    assert not Result("relay", "", "", RATES, {"by hand": 0.51}).is_met("by hand")


def test_what_is_recorded_takes_the_place_of_what_was_and_leaves_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    write([RELAY, *LAG], path)
    again = Result("relay", "Relay", "events/s", {"relay": [{"rate": 7.123}]}, {}, made=MADE)
    write([again], path)
    known = read(path)
    assert list(known) == ["relay", "lag-500", "lag-50"]
    assert known["relay"].median("relay", "rate") == 7.12
    assert known["lag-50"] == LAG[1]


def test_the_page_tells_every_figure_that_was_measured() -> None:
    told = sections.page(ALL, "## What was found\n")
    assert "| by hand | 2,000 | 2,000 2,000 2,000 | 0.50 of it |" in told
    assert "| 50 | relay and worker | 10.0 | 20.0 | 31.4 | 50 | 10.0 10.0 10.0 |  |" in told
    assert "| 50 | by hand | 4.0 | 5.0 | 6.0 | 50 | 4.0 4.0 4.0 | 2.50 times it |" in told
    assert told.index("| 50 |") < told.index("| 500 |")
    assert (
        "lag-50: medians of 3 interleaved rounds, 2026-01-02, commit abc1234. Measured on an idle "
        "machine. memory 24 GiB." in told
    )
    assert "\n## What was found\n" in told


def test_the_page_has_the_whole_shop_beside_what_has_fewer_processes() -> None:
    told = sections.page({"story": STORY}, "")
    assert "| processor ms per order | 60.0 | 20.0 |" in told
    assert "| - flower | 2.5 |  |" in told
    assert "- the shop: 0.33 of by hand (aim: 0.5), 3.00 of its processor time" in told
    assert set(drawings({"story": STORY})) == {"story"}
    assert "| 30/s | 0.33 of *by hand* |" in sections.figures({"story": STORY})


def test_what_was_not_measured_has_no_section() -> None:
    told = sections.page({"relay": RELAY}, "")
    assert "\n## Relay\n" in told
    assert "\n## Lag\n" not in told
    assert set(drawings({"relay": RELAY})) == {"relay"}


def test_the_charts_are_whole_and_say_their_figures_to_those_who_cannot_see() -> None:
    drawn = drawings(ALL)
    assert set(drawn) == {"relay", "lag", "write"}
    for svg in drawn.values():
        ElementTree.fromstring(svg)  # noqa: S314
    assert "publish(): 80; no outbox: 100" in drawn["write"]


def test_the_readme_gets_figures_between_its_marks_only() -> None:
    readme = f"before\n{page.BEGINNING}old\n{page.END}\nafter\n"
    written = page.with_figures(readme, "new\n")
    assert written == f"before\n{page.BEGINNING}new\n\n{page.END}\nafter\n"
    assert page.with_figures(written, "new\n") == written
    with pytest.raises(ValueError, match="figures"):
        page.with_figures("no marks", "new\n")


def test_the_readme_says_the_main_ratios() -> None:
    told = sections.figures(ALL)
    assert (
        "| relay: outbox to a quorum queue, marked once confirmed | 1,000/s | 0.50 of *by hand* |"
        in told
    )
    assert "| lag at 50 events/s, median | 10 ms (p99 31) | 4 ms *by hand* |" in told
    assert "Measured on an idle machine: relay, " in told
