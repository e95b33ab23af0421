"""The reliability page says what the result files say, of every kind of result there is."""

from __future__ import annotations

from typing import Any

import pytest

from tests.reliability import faults, random_runs, seeded, soaks, storms
from tests.reliability.page import page

RUN = {
    "commit": "abc1234",
    "in_flight": 7,
    "events": 100,
    "again": 12,
    "seconds": 2.0,
    "recovery": 1.5,
    "rabbitmq": "3.10.8",
}


def test_a_fault_that_was_never_run_says_so() -> None:
    assert "| `broker-killed`: kill -9 of the broker | not on record |" in faults.section({})


def test_each_run_of_a_crash_point_is_three_strikes() -> None:
    told = faults.section({"crash-relay.after-select": [RUN, RUN]})
    assert "| `relay.after-select` | 6 | 2 | 7 | 0 | 0 | 24 | 1.5 | 3.10 | abc1234 |" in told
    assert "2 runs are on record, which is 6 strikes" in told


def test_the_broker_of_a_run_is_told() -> None:
    told = faults.section({"broker-killed": [RUN, RUN | {"rabbitmq": "4.1.1"}]})
    assert "| 3.10, 4.1 | abc1234 |" in told


def test_a_storm_that_failed_is_told_with_what_failed() -> None:
    storm = {
        "seed": 3,
        "minutes": 10.0,
        "blows": 80,
        "struck": {"kill-relay": 90},
        "orders": 1200,
        "events": 9000,
        "again": 4,
    }
    told = storms.section(
        [
            storm
            | {"recovery": 2.5, "failures": ["I8 shipping: 1 of order differ"], "commit": "abc1234"}
        ]
    )
    assert (
        "| 3 | 10 | 80 | 1,200 | 9,000 | 4 | 2.5 | I8 shipping: 1 of order differ | abc1234 |"
        in told
    )


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
def test_a_seeded_bug_with_what_caught_it(verdict: dict[str, Any], row: str) -> None:
    assert row in seeded.section(
        {"no ledger": verdict | {"first": "order: said", "commit": "abc1234"}}
    )


def test_runs_drawn_by_a_seed() -> None:
    assert "| 1 | 200 | 900 placed | abc1234 |" in random_runs.simulation(
        [{"seed": 1, "at": "", "commit": "abc1234", "runs": 200, "placed": 900}]
    )
    fuzzed = {
        "seed": 2,
        "sent": 5000,
        "outcomes": {"unreadable": 4000, "duplicate": 1000},
        "orders": 300,
        "lost": 0,
        "worst_lag": 0.4,
    }
    told = random_runs.fuzz(
        [fuzzed | {"memory_quarter": 204_800, "memory_end": 205_824, "commit": "abc1234"}]
    )
    assert (
        "| 2 | 5,000 | 4,000 unreadable, 1,000 duplicate | 300 | 0 | 0.40 s | 200 MB | 201 MB | "
        "abc1234 |" in told
    )


def test_what_was_not_run_has_no_table() -> None:
    assert "none is on record" in soaks.section([])
    assert "|" not in random_runs.fuzz([])


def test_the_page_is_whole() -> None:
    for title in (
        "Faults",
        "Failpoints",
        "Storms",
        "Soak",
        "Seeded bugs",
        "Simulation",
        "Fuzzing",
        "Not injected",
    ):
        assert f"\n## {title}\n" in page()
