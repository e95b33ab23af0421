"""The judge of a soak: what is flat passes, and what grows is named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.chaos.soak.judge import failures, memory_of
from tests.chaos.soak.samples import Sample
from tests.chaos.soak.usage import SHARED

FLAT = Sample(
    0.0,
    0,
    {"order-relay": 80.0, "PostgreSQL": 300.0, SHARED: 100.0},
    40,
    20,
    3,
    5,
    (0.02, 0.08, 0.3),
)


def half_an_hour(change: Callable[[Sample, int], Sample]) -> list[Sample]:
    return [
        change(replace(FLAT, at=number * 10.0, orders=number * 200), number)
        for number in range(180)
    ]


def with_memory(sample: Sample, name: str, size: float) -> Sample:
    return replace(sample, memory=sample.memory | {name: size})


def test_what_is_flat_passes() -> None:
    samples = half_an_hour(
        lambda sample, number: with_memory(sample, "order-relay", 80.0 + number % 4)
    )
    assert list(failures(samples, 20.0, 19.8)) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda sample, number: with_memory(sample, "order-relay", 80 + number * 0.2),
            "the memory of order-relay grew from 98 to 110 MB",
        ),
        (
            lambda sample, number: with_memory(sample, SHARED, 100 + number * 2),
            "PostgreSQL, shared buffers grew to 458 MB",
        ),
        (
            lambda sample, number: with_memory(sample, "RabbitMQ", 90 + number * 5),
            "the memory of RabbitMQ grew to 985 MB",
        ),
        (
            lambda sample, number: replace(sample, postgres=40 + number // 10),
            "connections to postgres grew from 51 to 57",
        ),
        (
            lambda sample, number: (
                replace(sample, lag=(0.1, 9.0, 12.0)) if number == 60 else sample
            ),
            "in a window the p95 of the lag was 9.00 s",
        ),
        (lambda sample, number: replace(sample, queued=number * 10), "1793 events were waiting"),
    ],
)
def test_what_grows_is_named(change: Callable[[Sample, int], Sample], said: str) -> None:
    assert list(failures(half_an_hour(change), 20.0, 20.0)) == [said]


def test_a_rate_that_was_not_kept_is_named() -> None:
    assert list(failures(half_an_hour(lambda sample, _: sample), 20.0, 18.0)) == [
        "18.0 orders a second were placed, and not 20.0"
    ]


def test_shared_buffers_may_fill() -> None:
    samples = half_an_hour(
        lambda sample, number: with_memory(sample, SHARED, min(256.0, 10.0 + number))
    )
    assert list(failures(samples, 20.0, 20.0)) == []


def test_the_log_of_the_quorum_queues_may_fill_and_roll_over() -> None:
    samples = half_an_hour(
        lambda sample, number: with_memory(sample, "RabbitMQ", 90.0 + number * 7 % 500)
    )
    assert list(failures(samples, 20.0, 20.0)) == []


def test_a_process_that_was_replaced_is_told_by_its_name() -> None:
    samples = half_an_hour(
        lambda sample, number: (
            with_memory(sample, "order-worker, children", 150.0) if number > 100 else sample
        )
    )
    assert memory_of(samples)["order-worker, children"] == {
        "thirds": [0.0, 150.0, 150.0],
        "highest": 150.0,
        "growth": 0.0,
    }
