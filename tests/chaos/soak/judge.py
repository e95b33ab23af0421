"""What a soak has to show: memory flat, connections bounded, lag bounded, the rate kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median

from tests.chaos.soak.samples import Sample
from tests.chaos.soak.usage import SERVERS, SHARED

# of a process from the second third to the last; MB, below which nothing is said
LARGEST_GROWTH, SMALLEST = 0.05, 5.0
LARGEST_P95 = 2.0  # seconds from the making of an event to its being applied, in any window
MORE_CONNECTIONS = 3  # than the most in the first two thirds
LARGEST_BACKLOG = 1_000  # messages and unpublished events, in the last third
KEPT = 0.95  # of the rate that was asked for
# RabbitMQ keeps what its quorum queues' log holds in memory until it rolls over, at 512 MiB: it
# grows and falls back over as many messages (half an hour at 380 events/s: up by 320 MB and down
# again, three times). A leak smaller than this is not seen by a soak.
BROKER, BROKER_LOG = SERVERS["rabbitmq"], 512 * 1.2  # MB above the first third
SHARED_BUFFERS = 256 * 1.2  # MB: what PostgreSQL is configured to take, and its bookkeeping


def thirds(
    samples: Sequence[Sample],
) -> tuple[Sequence[Sample], Sequence[Sample], Sequence[Sample]]:
    third = len(samples) // 3
    return samples[:third], samples[third : 2 * third], samples[2 * third :]


def used(samples: Sequence[Sample], name: str) -> list[float]:
    """Of the processes of that name; a process that was not there at a look is left out of it."""
    return [sample.memory[name] for sample in samples if name in sample.memory]


def memory_of(samples: Sequence[Sample]) -> dict[str, dict[str, object]]:
    """By process: the median of each third, the highest, and the growth from the second third to
    the last."""
    told: dict[str, dict[str, object]] = {}
    for name in sorted({name for sample in samples for name in sample.memory}):
        medians = [round(median(used(third, name) or [0.0]), 1) for third in thirds(samples)]
        growth = medians[2] / medians[1] - 1 if medians[1] else 0.0
        told[name] = {
            "thirds": medians,
            "highest": round(max(used(samples, name)), 1),
            "growth": round(growth, 4),
        }
    return told


def failures(samples: Sequence[Sample], asked: float, reached: float) -> Iterator[str]:
    """`asked` and `reached`: orders a second."""
    first, second, last = thirds(samples)
    for name in sorted({name for sample in samples for name in sample.memory} - {SHARED, BROKER}):
        before, after = median(used(second, name) or [0.0]), median(used(last, name) or [0.0])
        if after > before * (1 + LARGEST_GROWTH) and after - before > SMALLEST:
            yield f"the memory of {name} grew from {before:.0f} to {after:.0f} MB"
    if (highest := max(used(samples, SHARED), default=0.0)) > SHARED_BUFFERS:
        yield f"{SHARED} grew to {highest:.0f} MB"
    if (highest := max(used(samples, BROKER), default=0.0)) > median(
        used(first, BROKER) or [0.0]
    ) + BROKER_LOG:
        yield f"the memory of {BROKER} grew to {highest:.0f} MB"
    for server in ("postgres", "rabbitmq"):
        early, late = (
            max(getattr(sample, server) for sample in part) for part in ([*first, *second], last)
        )
        if late > early + MORE_CONNECTIONS:
            yield f"connections to {server} grew from {early} to {late}"
    if (worst := max(sample.lag[1] for sample in samples)) > LARGEST_P95:
        yield f"in a window the p95 of the lag was {worst:.2f} s"
    if (backlog := max(sample.unpublished + sample.queued for sample in last)) > LARGEST_BACKLOG:
        yield f"{backlog} events were waiting"
    if reached < KEPT * asked:
        yield f"{reached:.1f} orders a second were placed, and not {asked:.1f}"
