"""The board in words: what each service and each stream of events is doing."""

from __future__ import annotations

from typing import Any

from polder.admin.charts import number
from polder.conditions import State
from polder.observability.board.shapes import OUTCOMES, BoardPart
from polder.observability.board.whole import Board, Edge
from polder.replication import freshness
from polder.span import span

LABELS = {State.OK: "success", State.WARN: "warning", State.FAIL: "danger"}
LABELS_OF_STREAMS = {"through": "success", "moving": "info", "stuck": "danger", "not known": ""}
UNPUBLISHED_SECONDS = 5.0


def headline(board: Board) -> str:
    """The worst, in one sentence."""
    if board.silent:
        return f"{' and '.join(sorted(board.silent))} did not answer."
    for edge in board.edges:
        if edge.is_stuck:
            return stuck(edge)
    wrong = [part.service for part in board.parts.values() if part.problems]
    if wrong:
        return f"Something is not as it should be in {' and '.join(wrong)}."
    way = sum(edge.on_their_way for edge in board.edges)
    waiting = sum(part.unpublished for part in board.parts.values())
    return (
        f"Events are on their way: {way}; to be published: {waiting}."
        if way or waiting
        else "Everything is through."
    )


def stuck(edge: Edge) -> str:
    for_long = f"for {span(edge.still)}" if edge.still is not None else "so far"
    return (
        f"{edge.subscriber} has applied nothing from {edge.publisher} {for_long}, and "
        f"{number(edge.on_their_way)} {'is' if edge.on_their_way == 1 else 'are'} on the way."
    )


def shown(board: Board) -> dict[str, Any]:
    return {
        "services": [_service(board, name) for name in board.services],
        "accounts": [_account(edge) for edge in board.edges],
        "at": board.at,
    }


def _service(board: Board, name: str) -> dict[str, Any]:
    part = board.parts.get(name)
    if part is None:
        why = board.silent.get(name, "this service may not ask it")
        return {"name": name, "label": "danger", "state": "no answer", "why": why, "lines": []}
    streams = [_stream(edge) for edge in board.edges if edge.subscriber == name]
    return {
        "name": name,
        "label": LABELS[part.state],
        "state": part.state,
        "problems": part.problems,
        "lines": [*_own(part), *streams],
    }


def _own(part: BoardPart) -> list[dict[str, Any]]:
    late = part.oldest_unpublished > UNPUBLISHED_SECONDS
    told = number(part.unpublished)
    if part.unpublished:
        told += f", the oldest for {span(part.oldest_unpublished)}"
    return [
        {"what": "to be published", "told": told, "bad": late},
        {"what": "held", "told": number(part.held), "bad": part.held > 0},
        {"what": "parked", "told": number(part.parked), "bad": part.parked > 0},
        {"what": "drift", "told": number(part.drift), "bad": part.drift > 0},
    ]


def _stream(edge: Edge) -> dict[str, Any]:
    stream = edge.stream
    told = [f"{number(edge.on_their_way)} on the way"]
    if stream.lag_p50 is not None and stream.lag_p95 is not None:
        told.append(f"lag {span(stream.lag_p50)}, p95 {span(stream.lag_p95)}")
    if behind := freshness.told(stream.behind):
        told.append(behind)
    told.append(f"last {span(edge.still)} ago" if edge.still is not None else "none so far")
    return {"what": f"from {edge.publisher}", "told": "; ".join(told), "bad": edge.is_stuck}


def _account(edge: Edge) -> dict[str, Any]:
    """Published = what became of them + what is on its way."""
    stream = edge.stream
    counts = [(name, getattr(stream, name)) for name in OUTCOMES]
    parts = [f"{count:,} {name}" for name, count in counts if count or name == "applied"]
    parts.append(f"{edge.on_their_way:,} on the way")
    known = edge.published is not None
    state = "not known" if not known else "stuck" if edge.is_stuck else "moving"
    if known and not edge.on_their_way:
        state = "through"
    whole = max(edge.published or 0, stream.processed)
    return {
        "from": edge.publisher,
        "to": edge.subscriber,
        "whole": f"{whole:,} published" if known else "published: not known",
        "parts": " + ".join(parts if known else parts[:-1]),
        "label": LABELS_OF_STREAMS[state],
        "state": state,
        "known": known,
    }
