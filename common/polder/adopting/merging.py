"""What was read and what was seen, as one list."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from polder.adopting import sources
from polder.adopting.calls import publishing
from polder.adopting.places import Kind, Place
from polder.adopting.watching import Line


def merged(places: list[Place], seen: Sequence[Line]) -> list[Place]:
    """A line that nobody has read is a place of its own. What the guard said at a commit stands
    with the line that committed."""
    for file, line, said in seen:
        place = next((one for one in places if _covers(one, file, line)), None)
        if place is None:
            place = _new(file, line)
            places.append(place)
        if said and said not in place.guard:
            place.guard.append(said)
        place.seen += not said
    return sorted(places, key=lambda one: (one.is_test, one.file, one.line))


def _covers(place: Place, file: str, line: int) -> bool:
    return place.file == file and place.line <= line <= max(place.line, place.last_line)


def _new(file: str, line: int) -> Place:
    path = sources.root() / file
    if not file or not path.is_file():
        return Place(file or "?", line, Kind.SEEN, "", line)
    text = path.read_text(encoding="utf-8", errors="replace")
    code = text.splitlines()[line - 1].strip()
    publishes = line in publishing(ast.parse(text))
    is_test = sources.is_test(path)
    return Place(file, line, Kind.SEEN, code, line, publishes=publishes, is_test=is_test)
