"""The whole board: the parts of all services, put together to the streams of events between
them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.utils import timezone

from polder.observability.board.part import board_part
from polder.observability.board.shapes import BoardPart, Stream
from polder.observability.peers import NoAnswer, with_peers

COUNTED = timedelta(hours=1)
STUCK = timedelta(seconds=5)  # nothing was applied for so long while events are on their way


class Edge(NamedTuple):
    """A publisher's events at a subscriber. `published`: None when the publisher did not answer."""

    publisher: str
    subscriber: str
    stream: Stream
    published: int | None
    still: timedelta | None  # since the last was applied; None: none ever was

    @property
    def on_their_way(self) -> int:
        """In the queue or in a worker's hands. The parts are of moments that are not quite the
        same, so while events move some are counted as processed and not yet as published."""
        return max(0, (self.published or 0) - self.stream.processed)

    @property
    def is_stuck(self) -> bool:
        return self.on_their_way > 0 and (self.still is None or self.still > STUCK)


class Board(NamedTuple):
    """`silent`: by service why it did not answer."""

    at: datetime
    parts: dict[str, BoardPart]
    silent: dict[str, str]
    edges: list[Edge]

    @property
    def services(self) -> list[str]:
        return sorted({*self.parts, *self.silent, *(edge.publisher for edge in self.edges)})


def whole_board() -> Board:
    """As of now, within about a second."""
    since = timezone.now().replace(second=0, microsecond=0) - COUNTED
    query = urlencode({"since": since.astimezone(UTC).isoformat()})
    found = with_peers(f"/ops/standing?{query}", lambda: board_part(since), _read)
    return board_of(found.parts, found.silent, timezone.now())


def board_of(parts: Sequence[BoardPart], silent: dict[str, str], at: datetime) -> Board:
    by_name = {part.service: part for part in sorted(parts, key=lambda part: part.service)}
    return Board(at, by_name, silent, list(_edges(by_name, at)))


def _edges(parts: dict[str, BoardPart], at: datetime) -> Iterator[Edge]:
    for subscriber, part in parts.items():
        for stream in part.streams:
            publisher = parts.get(stream.publisher)
            last = stream.last_applied_at
            yield Edge(
                stream.publisher,
                subscriber,
                stream,
                publisher.published
                if publisher and not (publisher.is_cut or part.is_cut)
                else None,
                max(timedelta(), at - last) if last else None,
            )


def _read(service: str, status: int, told: Any) -> BoardPart:
    if status != 200:
        raise NoAnswer(str(status))
    return BoardPart.model_validate(told)
