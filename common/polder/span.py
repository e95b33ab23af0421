"""A length of time as people say it."""

from __future__ import annotations

from datetime import timedelta


def span(length: timedelta | float) -> str:
    """In the unit that people would take: `12 ms`, `3.4 s`, `2 min`, `5 h`, `3 d`. A number is of
    seconds."""
    seconds = length.total_seconds() if isinstance(length, timedelta) else length
    if abs(seconds) < 1:
        return f"{seconds * 1000:.0f} ms"
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if abs(seconds) >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.1f} s"
