"""The reliability page says what the result files say, of every kind of result there is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.chaos.report.page import (
    of_faults,
    of_fuzz,
    of_mutation,
    of_simulation,
    of_soak,
    of_storm,
    page,
)
from tests.chaos.report.results import Record, Result, read, record

RUN = {
    "commit": "abc1234",
    "in_flight": 7,
    "events": 100,
    "again": 12,
    "seconds": 2.0,
    "recovery": 1.5,
    "rabbitmq": "3.10.8",
}


def recorded(*results: Result) -> Record:
    kept = Record()
    for result in results:
        kept.add(result)
    return kept


def test_the_newest_two_are_kept_and_the_totals_of_all(tmp_path: Path) -> None:
    for seed in (1, 2, 3):
        record("storm", "storm", {"seed": seed, "minutes": 10, "failures": []}, tmp_path)

    kept = read("storm", tmp_path)["storm"]
    assert [run["seed"] for run in kept.latest] == [2, 3]
    assert (kept.runs, kept.totals) == (3, {"minutes": 30})


def test_a_fault_that_was_never_run_says_so() -> None:
    assert "| `broker-killed`: kill -9 of the broker | not on record |" in of_faults({})


def test_each_run_of_a_failpoint_is_three_injections() -> None:
    told = of_faults({"crash-relay.after-select": recorded(RUN, RUN)})
    assert "| `relay.after-select` | 2 | 7 | 0 | 0 | 24 | 1.5 | 3.10 | abc1234 |" in told
    assert "2 runs are on record, which is 6 injections" in told


def test_the_broker_of_a_run_is_told() -> None:
    told = of_faults({"broker-killed": recorded(RUN, RUN | {"rabbitmq": "4.1.1"})})
    assert "| 3.10, 4.1 | abc1234 |" in told


def test_a_storm_that_failed_is_told_with_what_failed() -> None:
    storm = {"seed": 3, "minutes": 10.0, "injected": 90, "orders": 1200, "events": 9000, "again": 4}
    failed = {"recovery": 2.5, "failures": ["I8 shipping: 1 of order differ"], "commit": "abc1234"}
    told = of_storm(recorded(storm | {"effects": 1034} | failed))
    assert "1 storms\nare on record, 10 minutes with 90 injections" in told
    end = "| 4 | 2.5 | I8 shipping: 1 of order differ | abc1234 |"
    assert f"| 3 | 10 | 90 | 1,200 | 9,000 | 1,034 {end}" in told
    assert f"| 9,000 | not counted {end}" in of_storm(recorded(storm | failed))


@pytest.mark.parametrize(
    ("verdict", "row"),
    [
        (
            {"caught": True, "by": ["I4", "I8"], "events": 1537, "tests": 0},
            "| no ledger | `I4` | yes | I8 | 1,537 events | `order: said` | abc1234 |",
        ),
        (
            {"caught": False, "by": ["I8"], "events": 20, "tests": 0},
            "| no ledger | `I4` | **no** | I8 | 20 events | `order: said` | abc1234 |",
        ),
        (
            {"caught": True, "by": ["I4"], "events": 0, "tests": 3},
            "| no ledger | `I4` | yes |  | 3 tests | `order: said` | abc1234 |",
        ),
    ],
)
def test_a_planted_bug_with_what_caught_it(verdict: dict[str, Any], row: str) -> None:
    said = {"first": "order: said", "commit": "abc1234"}
    assert row in of_mutation({"no ledger": recorded(verdict | said)})


def test_runs_drawn_by_a_seed() -> None:
    simulated = {"seed": 1, "at": "", "commit": "abc1234", "runs": 200, "placed": 900}
    assert "| 1 | 200 | 900 placed | abc1234 |" in of_simulation(recorded(simulated))
    fuzzed = {
        "seed": 2,
        "sent": 5000,
        "outcomes": {"unreadable": 4000, "duplicate": 1000},
        "orders": 300,
        "lost": 0,
        "worst_lag": 0.4,
        "memory_quarter": 204_800,
        "memory_end": 205_824,
        "commit": "abc1234",
    }
    assert (
        "| 2 | 5,000 | 4,000 unreadable, 1,000 duplicate | 300 | 0 | 0.40 s | 200 MB | 201 MB | "
        "abc1234 |" in of_fuzz(recorded(fuzzed))
    )


def test_what_was_not_run_has_no_table() -> None:
    assert "No run is on record" in of_soak(Record())
    assert "|" not in of_fuzz(Record())


def test_the_page_is_whole() -> None:
    for title in (
        "Faults",
        "Failpoints",
        "Storms",
        "Soak",
        "Planted bugs",
        "Simulation",
        "Fuzzing",
        "Not injected",
    ):
        assert f"\n## {title}\n" in page()
