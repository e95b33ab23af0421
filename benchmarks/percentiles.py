"""Percentiles of what was measured, without interpolation: each is one of the values."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

PERCENTILES = (50, 95, 99)


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that so many per cent of all are not above. Raises ValueError when there
    is none."""
    if not values:
        raise ValueError("no values")
    return sorted(values)[max(0, math.ceil(len(values) * percent / 100) - 1)]


def percentiles(values: Sequence[float]) -> Mapping[str, float]:
    """`{"p50": ..., "p95": ..., "p99": ...}`"""
    return {f"p{percent}": percentile(values, percent) for percent in PERCENTILES}
