"""Bars of what was measured, as SVG that is legible on a light page and on a dark one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

# of the card; of the bars, which leave room for words on both sides
WIDTH, LEFT, RIGHT = 760, 230, 620
TOP, ROW, GAP = 62, 30, 34  # the first bar; from bar to bar; for a heading
BAR = 18
# The card has a ground of its own, so it can be read whatever page it lies on; where the reader's
# system is dark, so is the card.
STYLE = """<style>
  :root { --page: #ffffff; --edge: #d0d7de; --ink: #1f2328; --soft: #57606a; --blue: #2f6db5 }
  @media (prefers-color-scheme: dark) {
    :root { --page: #0d1117; --edge: #3d444d; --ink: #e6edf3; --soft: #9da7b3; --blue: #6cb0ff } }
  text { fill: var(--ink);
    font: 13px -apple-system, "Segoe UI", "Noto Sans", "Liberation Sans", Arial, sans-serif }
  .head { font-size: 17px; font-weight: 600 }
  .name { font-weight: 600 }
  .soft { fill: var(--soft); font-size: 12px }
  .end { text-anchor: end }
  .page { fill: var(--page); stroke: var(--edge) }
  .ours { --own: var(--blue) } .rival { --own: var(--soft) }
  .bar { fill: var(--own); fill-opacity: .55; stroke: var(--own) }
  .reach { fill: none; stroke: var(--ink); stroke-width: 1.4 }
</style>"""


@dataclass(frozen=True)
class Bar:
    """`value` is the bar's length; `marks` are shown on it, joined by a line: lowest and highest
    round, or further percentiles."""

    label: str
    told: str
    value: float
    marks: Sequence[float]
    ours: bool


@dataclass(frozen=True)
class Group:
    """Bars under a heading; `most` is the value of the longest that would fit, for all groups with
    the same scale."""

    heading: str
    bars: Sequence[Bar]

    @property
    def most(self) -> float:
        return max(max(bar.value, *bar.marks) for bar in self.bars)


def chart(title: str, caption: str, groups: Sequence[Group], *, one_scale: bool = True) -> str:
    """The whole SVG. Not `one_scale`: each group's longest bar fills the width."""
    height = (
        TOP + sum((GAP if group.heading else 0) + ROW * len(group.bars) for group in groups) + 14
    )
    told = "; ".join(f"{bar.label}: {bar.told}" for group in groups for bar in group.bars)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
        f'height="{height}" role="img" '
        f'aria-labelledby="title desc">\n<title id="title">{escape(title)}</title>\n<desc '
        f'id="desc">{escape(told)}</desc>\n'
        f"<!-- Drawn by python -m benchmarks.page -->\n{STYLE}\n"
    )
    parts = [
        _box(0.5, 0.5, WIDTH - 1, height - 1, "page", 12),
        _text(16, 28, escape(title), "head"),
        _text(16, 47, escape(caption), "soft"),
    ]
    return head + "\n".join([*parts, *_groups(groups, one_scale)]) + "\n</svg>\n"


def _groups(groups: Sequence[Group], one_scale: bool) -> Iterator[str]:
    y = TOP
    for group in groups:
        most = max(other.most for other in groups) if one_scale else group.most
        if group.heading:
            yield _text(16, y + 20, escape(group.heading), "name")
            y += GAP
        for bar in group.bars:
            yield from _bar(bar, y, (RIGHT - LEFT) / most)
            y += ROW


def _bar(bar: Bar, y: int, scale: float) -> Iterator[str]:
    middle = y + BAR / 2
    yield _text(LEFT - 10, middle + 4, escape(bar.label), "end name" if bar.ours else "end")
    yield _box(
        LEFT,
        y,
        round(max(1.0, bar.value * scale), 1),
        BAR,
        f"bar {'ours' if bar.ours else 'rival'}",
        2,
    )
    places = sorted(round(LEFT + mark * scale, 1) for mark in bar.marks)
    if places:
        yield _line(
            f"M{places[0]} {middle}H{places[-1]}"
            + "".join(f"M{x} {middle - 5}v10" for x in places),
            "reach",
        )
    yield _text(
        max(LEFT + bar.value * scale, *places, LEFT) + 8,
        middle + 4,
        escape(bar.told),
        "name" if bar.ours else "soft",
    )


def _box(x: float, y: float, width: float, height: float, style: str, radius: int) -> str:
    return (
        f'<rect class="{style}" x="{x}" y="{y}" width="{width}" height="{height}" rx="{radius}"/>'
    )


def _text(x: float, y: float, words: str, style: str) -> str:
    return f'<text class="{style}" x="{x}" y="{y}">{words}</text>'


def _line(path: str, style: str) -> str:
    return f'<path class="{style}" d="{path}"/>'
