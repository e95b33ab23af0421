"""When which faults are injected: drawn from the seed alone, before anything runs."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import NamedTuple

SHORTEST, LONGEST = 5.0, 10.0  # seconds between two injections
DOUBLE = 0.25  # of them are two faults at once


class Planned(NamedTuple):
    """`at`: seconds since the storm began. `seed`: of where its faults happen."""

    at: float
    faults: tuple[str, ...]
    seed: int


def schedule(seed: int, minutes: float, faults: Sequence[str]) -> Iterator[Planned]:
    """The same for the same seed and the same faults to choose from; a longer storm begins as a
    shorter one does."""
    chance = random.Random(seed)
    at = chance.uniform(SHORTEST, LONGEST)
    while at < minutes * 60:
        count = 2 if chance.random() < DOUBLE else 1
        yield Planned(
            round(at, 1), tuple(chance.sample(sorted(faults), count)), chance.randrange(1 << 30)
        )
        at += chance.uniform(SHORTEST, LONGEST)
