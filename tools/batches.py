"""What becomes of batches, as a page shows it: drawn from the consumer's own table."""

from __future__ import annotations

from collections.abc import Iterator

from polder.consumer.batch import Kind
from polder.consumer.transitions import MODES, TRANSITIONS, Division, End, Mode, Move, Part, Pause

HELD = {Kind.LOCKED, Kind.UNDECIDED}


def drawn() -> str:
    """Markdown: the transitions as a table, the modes as a diagram."""
    return "\n".join([*_table(), "", "```mermaid", *_modes(), "```"])


def _table() -> Iterator[str]:
    yield "| a batch ends | which batch | becomes | mode, if it decides |"
    yield "|---|---|---|---|"
    for end, row in TRANSITIONS.items():
        for which, moves in row.items():
            words = "; ".join(_words(move) for move in moves)
            yield f"| {end} | {which} | {words} | {MODES[end]} |"


def _words(move: Move) -> str:
    part = "" if move.part is Part.ALL else f"{move.part}: "
    if move.to is None:
        return f"{part}done"
    division = "" if move.division is Division.WHOLE else f" {move.division}"
    pause = "" if move.to in HELD or move.pause is Pause.NONE else f", {move.pause}"
    return f"{part}**{move.to}**{division}{pause}"


def _modes() -> Iterator[str]:
    yield "stateDiagram-v2"
    yield f"    [*] --> {Mode.STARTING}"
    for before in Mode:
        for after in dict.fromkeys(MODES.values()):
            ends = [str(end) for end in End if MODES[end] is after and before is not after]
            if ends:
                yield f"    {before} --> {after}: {', '.join(ends)}"
