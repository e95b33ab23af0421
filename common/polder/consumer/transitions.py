"""What becomes of a batch: one table, of how it ended and which batch it was.

Nothing here knows Celery, the broker or the database. `dispatch` carries the table out;
`docs/states.md` is drawn from it.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple

from polder.consumer.batch import Batch, Kind


class Mode(StrEnum):
    """GOING: as many batches as the pool has children. Else one at a time, the probe, while the
    others wait whole."""

    STARTING = "starting"
    GOING = "going"
    AWAY = "away"
    HALTED = "halted"


class End(StrEnum):
    """How a batch may end."""

    APPLIED = "applied"  # committed
    HELD_BACK = "held back"  # committed but for some messages
    SUSPECTS = "suspects"  # not tried: a process was lost with some of them before
    AGAIN = "again"  # the moment's fault
    TOO_SLOW = "too slow"  # too much for the database's time limit
    LOST = "lost"  # with its process
    AWAY = "away"  # the database is away
    HALTED = "halted"  # nothing is wrong with the events, and trying others will not help


FEW = 5  # tries, after which more is in the way than the moment


class Which(StrEnum):
    """Which batch it was. The first that is true of it, in the order of the table, counts."""

    DECIDING = "it decides the mode"  # the service is going, or it is the probe
    OFTEN = f"several messages, in vain for the {FEW + 1}th time"
    SEVERAL = "several messages"
    QUARANTINED = "quarantined"
    ANY = "any"


class Part(StrEnum):
    """Which of a batch's messages. What an earlier move took is not looked at again."""

    LOCKED = "those that wait for locks"
    UNDECIDED = "the undecided"
    SUSPECTS = "the suspects"
    FAILING = "some of those that fail"
    REST = "the rest"
    ALL = "all"


class Division(StrEnum):
    """How a part becomes batches."""

    WHOLE = "together"
    HALVES = "in halves"
    SINGLY = "one by one"


class Pause(StrEnum):
    """Until they are handed over again. What is held in a pool has the pool's own pauses."""

    NONE = "at once"
    FIRST = "after 0.1 s"
    DOUBLING = "after a pause that doubles"


class Move(NamedTuple):
    """`to`: the kind of batch that the part becomes; None: it is done, and acked."""

    part: Part
    to: Kind | None
    pause: Pause = Pause.NONE
    division: Division = Division.WHOLE


_AGAIN: Final[dict[Which, tuple[Move, ...]]] = {
    Which.QUARANTINED: (Move(Part.ALL, Kind.QUARANTINED, Pause.DOUBLING),),
    Which.ANY: (Move(Part.ALL, Kind.AGAIN, Pause.DOUBLING),),
}
_IN_HALVES: Final[tuple[Move, ...]] = (Move(Part.ALL, Kind.AGAIN, Pause.FIRST, Division.HALVES),)

TRANSITIONS: Final[dict[End, dict[Which, tuple[Move, ...]]]] = {
    End.APPLIED: {Which.ANY: (Move(Part.ALL, None),)},
    End.HELD_BACK: {
        Which.ANY: (
            Move(Part.LOCKED, Kind.LOCKED),
            Move(Part.UNDECIDED, Kind.UNDECIDED),
            Move(Part.REST, None),
        )
    },
    End.SUSPECTS: {
        Which.ANY: (
            Move(Part.SUSPECTS, Kind.QUARANTINED, division=Division.SINGLY),
            Move(Part.REST, Kind.AGAIN),
        )
    },
    End.AGAIN: {Which.OFTEN: _IN_HALVES, **_AGAIN},
    End.TOO_SLOW: {Which.SEVERAL: _IN_HALVES, **_AGAIN},
    End.LOST: {
        Which.SEVERAL: _IN_HALVES,
        Which.ANY: (Move(Part.ALL, Kind.QUARANTINED, Pause.DOUBLING),),
    },
    End.AWAY: {Which.DECIDING: (Move(Part.ALL, Kind.PROBE, Pause.DOUBLING),), **_AGAIN},
    End.HALTED: {
        Which.DECIDING: (
            Move(Part.FAILING, Kind.PROBE, Pause.DOUBLING),
            Move(Part.REST, Kind.AGAIN),
        ),
        **_AGAIN,
    },
}

# The mode that follows when the batch decides it; else the mode stays.
MODES: Final[dict[End, Mode]] = {
    End.AWAY: Mode.AWAY,
    End.HALTED: Mode.HALTED,
} | {end: Mode.GOING for end in End if end not in (End.AWAY, End.HALTED)}


def moves(end: End, batch: Batch, *, deciding: bool) -> tuple[Move, ...]:
    """What the table says of this batch."""
    is_so = {
        Which.DECIDING: deciding,
        Which.OFTEN: len(batch.messages) > 1 and batch.failures >= FEW,
        Which.SEVERAL: len(batch.messages) > 1,
        Which.QUARANTINED: batch.quarantined,
        Which.ANY: True,
    }
    return next(moves for which, moves in TRANSITIONS[end].items() if is_so[which])
