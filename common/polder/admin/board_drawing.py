"""The services on a ring and the events between them, as numbers for an SVG."""

from __future__ import annotations

from collections.abc import Iterator
from math import cos, hypot, pi, sin
from typing import Any

from polder.admin.charts import number
from polder.conditions import State
from polder.observability.board.whole import Board, Edge

WIDTH, HEIGHT = 360, 250
BOX_WIDTH, BOX_HEIGHT = 104, 46
BEND = 26.0  # how far an arrow is from the straight line: there is one in the other direction
CLEAR = 3.0  # between an arrow and the box that it points to
Point = tuple[float, float]


def drawing(board: Board) -> dict[str, Any]:
    places = _places(board.services)
    return {
        "states": ("still", "moving", "stuck"),
        "box": f"0 0 {WIDTH} {HEIGHT}",
        "arrows": [_arrow(edge, places) for edge in board.edges],
        "boxes": list(_boxes(board, places)),
    }


def _places(services: list[str]) -> dict[str, Point]:
    """The middle of each; the first one on top."""
    across, down = (WIDTH - BOX_WIDTH) / 2 - 4, (HEIGHT - BOX_HEIGHT) / 2 - 4
    turns = {name: 2 * pi * place / len(services) - pi / 2 for place, name in enumerate(services)}
    lift = 0.25 * down if len(services) == 3 else 0.0  # a triangle hangs too high otherwise
    return {
        name: (WIDTH / 2 + across * cos(turn), HEIGHT / 2 + lift * (turn > 0) + down * sin(turn))
        for name, turn in turns.items()
    }


def _boxes(board: Board, places: dict[str, Point]) -> Iterator[dict[str, Any]]:
    for name, (x, y) in places.items():
        part = board.parts.get(name)
        told = f"{number(part.unpublished)} to publish" if part else "no answer"
        if part and part.parked:
            told = f"{number(part.parked)} parked"
        yield {
            "name": name,
            "told": told,
            "state": part.state if part else State.FAIL,
            "rect": f"{x - BOX_WIDTH / 2:.1f}",
            "top": f"{y - BOX_HEIGHT / 2:.1f}",
            "x": f"{x:.1f}",
            "first": f"{y - 3:.1f}",
            "second": f"{y + 13:.1f}",
        }


def _arrow(edge: Edge, places: dict[str, Point]) -> dict[str, Any]:
    """A curve from the publisher to the subscriber, bent to its left."""
    (ax, ay), (bx, by) = places[edge.publisher], places[edge.subscriber]
    long = hypot(bx - ax, by - ay) or 1.0
    left = ((by - ay) / long, (ax - bx) / long)
    bend = ((ax + bx) / 2 + BEND * left[0], (ay + by) / 2 + BEND * left[1])
    (sx, sy), (ex, ey) = _out_of((ax, ay), bend), _out_of((bx, by), bend)
    mx, my = ((sx + ex) / 2 + bend[0]) / 2, ((sy + ey) / 2 + bend[1]) / 2
    waiting = number(edge.on_their_way)
    return {
        "path": f"M{sx:.1f},{sy:.1f} Q{bend[0]:.1f},{bend[1]:.1f} {ex:.1f},{ey:.1f}",
        "state": "stuck" if edge.is_stuck else "moving" if edge.on_their_way else "still",
        "waiting": waiting if edge.on_their_way else "",
        "x": f"{mx:.1f}",
        "y": f"{my + 4:.1f}",
        "plate": f"{mx - 4 - 3.5 * len(waiting):.1f}",
        "plate_top": f"{my - 9:.1f}",
        "plate_width": f"{8 + 7 * len(waiting)}",
    }


def _out_of(middle: Point, towards: Point) -> Point:
    """Where the line from the middle of a box leaves it."""
    across, down = towards[0] - middle[0], towards[1] - middle[1]
    far = min(
        (BOX_WIDTH / 2 + CLEAR) / abs(across) if across else 1.0,
        (BOX_HEIGHT / 2 + CLEAR) / abs(down) if down else 1.0,
    )
    return middle[0] + across * far, middle[1] + down * far
