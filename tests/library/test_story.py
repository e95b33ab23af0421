"""What is said of a load: the rate that was held, and what an order took."""

from __future__ import annotations

import math

from benchmarks.story.comparison import told
from benchmarks.story.measuring import AIM, Figures


def figures(p95: float) -> Figures:
    return Figures(21.0, 20.0, 50.0, p95, {"relay": 1.0, "order-web": 9.0}, customers=2.0)


def test_of_several_rates_the_highest_that_was_in_time_counts() -> None:
    said = dict(told({20.0: figures(90.0), 40.0: figures(AIM - 1), 80.0: figures(math.inf)}))
    assert said["rate"] == 40.0
    assert said["p95"] == AIM - 1
    assert [name for name in said if name.startswith("p95 at")] == [
        "p95 at 20",
        "p95 at 40",
        "p95 at 80",
    ]


def test_when_the_lowest_rate_is_too_much_none_was_held() -> None:
    said = dict(told({20.0: figures(AIM)}))
    assert (said["rate"], said["p95"]) == (0.0, AIM)


def test_a_closed_loop_has_the_rate_until_the_last_effect_and_the_processor_time_of_each() -> None:
    said = dict(told({0.0: figures(9_000.0)}))
    assert (said["rate"], said["accepted"], said["ms"]) == (20.0, 21.0, 10.0)
    assert [name for name in said if name.startswith("ms of")] == [
        "ms of order-web",
        "ms of relay",
        "ms of the customers",
    ]
