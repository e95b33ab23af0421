"""Small charts of the last hour, as SVG in the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from polder.consumer.samples import per_minute, series
from polder.span import span

WIDTH, HEIGHT = 300, 64
HOUR = timedelta(hours=1)
Points = Sequence[tuple[datetime, float]]


class Chart(NamedTuple):
    """`now` is the newest value; None: nothing was noted in the last hour."""

    title: str
    now: str
    most: str
    svg: SafeString


def charts() -> list[Chart]:
    """Lag by publisher, what was committed and applied, what waits."""
    p50, p95 = series("lag p50"), series("lag p95")
    committed = {"": per_minute(series("committed so far").get("", []))}
    applied = {of: per_minute(points) for of, points in series("applied so far").items()}
    return [
        *(
            _chart(f"Lag of {of}, p50 and p95", {"p95": p95[of], "p50": p50.get(of, [])}, span)
            for of in sorted(p95)
        ),
        _chart("Committed per minute", committed, number),
        *(_chart(f"Applied from {of} per minute", {of: applied[of]}, number) for of in applied),
        _chart("Oldest unpublished", series("oldest unpublished"), span),
        _chart("Parked", series("parked"), number),
    ]


def number(value: float) -> str:
    return f"{value:,.0f}"


def _chart(title: str, lines: Mapping[str, Points], shown: object) -> Chart:
    told = shown if callable(shown) else number
    values = [value for points in lines.values() for _, value in points]
    most = max(values, default=0.0)
    newest = [told(points[-1][1]) for points in lines.values() if points]
    label = f"{title}: at most {told(most)} in the last hour"
    now = timezone.now()
    drawn = format_html_join(
        "",
        '<polyline class="polder-line-{}" points="{}"></polyline>',
        ((place, _drawn(points, most, now)) for place, points in enumerate(lines.values())),
    )
    svg = format_html(
        '<svg viewBox="0 0 {} {}" preserveAspectRatio="none" role="img" aria-label="{}">{}</svg>',
        WIDTH,
        HEIGHT,
        label,
        drawn,
    )
    return Chart(title, " / ".join(reversed(newest)), told(most), svg)


def _drawn(points: Points, most: float, now: datetime) -> str:
    """The last hour from left to right; 0 at the bottom."""
    found = []
    for at, value in points:
        x = WIDTH * (1 - min(HOUR, now - at) / HOUR)
        y = (HEIGHT - 2) * (1 - value / most if most else 1) + 1
        found.append(f"{x:.1f},{y:.1f}")
    return " ".join(found)
