"""The strokes of a drawing: SVG elements, and a style that is legible on a light page and on a dark
one."""

from __future__ import annotations

from collections.abc import Iterable

# The card has a ground of its own, so it can be read whatever page it lies on; where the reader's
# system is dark, so is the card.
STYLE = """<style>
  :root { --page: #ffffff; --edge: #d0d7de; --ink: #1f2328; --soft: #57606a; --wire: #57606a; --inner: #ffffff; --broker: #faf5ee;
    --blue: #2f6db5; --blue-wash: #ecf3fb; --green: #2f8040; --green-wash: #ecf6ed; --violet: #8250b8; --violet-wash: #f5eefb }
  @media (prefers-color-scheme: dark) {
    :root { --page: #0d1117; --edge: #3d444d; --ink: #e6edf3; --soft: #9da7b3; --wire: #9da7b3; --inner: #161b22; --broker: #1c1813;
      --blue: #6cb0ff; --blue-wash: #12233a; --green: #56c46b; --green-wash: #12291a; --violet: #c297f2; --violet-wash: #271a38 } }
  .order { --own: var(--blue); --wash: var(--blue-wash) }
  .inventory { --own: var(--green); --wash: var(--green-wash) }
  .shipping { --own: var(--violet); --wash: var(--violet-wash) }
  text { font: 13px -apple-system, "Segoe UI", "Noto Sans", "Liberation Sans", Helvetica, Arial, sans-serif; fill: var(--ink) }
  .head { font-size: 17px; font-weight: 600 }
  .name { font-weight: 600 }
  .code { font: 11.5px ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace }
  .chip { font-size: 11.5px }
  .soft { fill: var(--soft); font-size: 12px }
  .mid { text-anchor: middle }
  .end { text-anchor: end }
  .page { fill: var(--page); stroke: var(--edge) }
  .house { fill: var(--wash); stroke: var(--own) }
  .inner { fill: var(--inner); stroke: var(--edge) }
  .broker { fill: var(--broker); stroke: var(--edge) }
  .frame { fill: none; stroke: var(--wire); stroke-dasharray: 4 3 }
  .copy { fill: var(--wash); stroke: var(--own) }
  .queue, .exchange { fill: var(--wash); stroke: var(--own); stroke-width: 1.4 }
  .wire, .plain { fill: none; stroke: var(--own, var(--wire)); stroke-width: 1.6 }
  .wire { marker-end: url(#tip) }
  .dot { fill: var(--own) }
</style>
<defs><marker id="tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="6" markerHeight="6" orient="auto">
  <path d="M0 0 10 5 0 10z" style="fill: var(--wire)"/></marker></defs>"""
GLYPH = 6.4  # the width of a letter of a chip, about


def box(x: float, y: float, width: float, height: float, style: str, radius: int) -> str:
    return (
        f'<rect class="{style}" x="{x}" y="{y}" width="{width}" height="{height}" rx="{radius}"/>'
    )


def text(x: float, y: float, words: str, style: str) -> str:
    return f'<text class="{style}" x="{x}" y="{y}">{words}</text>'


def line(path: str, style: str) -> str:
    return f'<path class="{style}" d="{path}"/>'


def chips(x: float, y: float, labels: Iterable[tuple[str, str]]) -> str:
    """Small boxes in a row, each a word in the colour of a service."""
    drawn = []
    for word, service in labels:
        width = round(len(word) * GLYPH + 12)
        drawn += [
            box(x, y, width, 22, f"copy {service}", 11),
            text(x + width / 2, y + 15, word, "chip mid"),
        ]
        x += width + 5
    return "\n".join(drawn)
