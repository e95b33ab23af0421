"""The histograms of /metrics, as the housekeeper has counted them: the same in every process, and
kept over restarts."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate

from prometheus_client.core import HistogramMetricFamily, Metric

from polder import this_service
from polder.consumer.histograms import Counted, counted, nothing

# the name there, the name of the metric, whether there is one for each publisher, what it is
KINDS = (
    ("publish", "publish_seconds", False, "From an event's commit until the broker had it."),
    ("deliver", "deliver_seconds", True, "From when an event occurred until a worker here had it."),
    ("apply", "apply_seconds", True, "From when a worker had an event until it was applied."),
    ("lag", "lag_seconds", True, "From when an event occurred until it was applied here."),
    ("batch", "batch_events", False, "Events that were recorded by one batch."),
)


def histograms() -> Iterator[Metric]:
    found = counted()
    for name, metric, by_publisher, text in KINDS:
        labels = ["publisher"] if by_publisher else []
        family = HistogramMetricFamily(f"polder_{metric}", text, labels=labels)
        known = this_service.subscribes_to() if by_publisher else [""]
        there = {of for kind, of in found if kind == name}
        for of in sorted({*known, *there}):
            one = found.get((name, of)) or nothing(name)
            family.add_metric([of] if by_publisher else [], _buckets(one), one.total)
        yield family


def _buckets(one: Counted) -> list[tuple[str, float]]:
    """Prometheus' are cumulative."""
    bounds = [*map(str, one.bounds), "+Inf"]
    return list(zip(bounds, map(float, accumulate(one.buckets)), strict=True))
