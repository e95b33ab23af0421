"""State machines: one table of legal moves, one CHECK constraint made from it. The only one
that makes the moves is `StatefulAggregate.move_to`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Generic, TypeVar

from django.db import models

S = TypeVar("S", bound=str)


class IllegalMove(ValueError):
    """The state machine has no such move."""


class Moves(Generic[S]):
    """`Moves({PENDING: {CONFIRMED, REJECTED}, ...}, initial={PENDING})`: from each state the states
    it may become; a state without moves is terminal. One may be made in an `initial` state."""

    def __init__(self, table: Mapping[S, frozenset[S] | set[S]], *, initial: set[S]) -> None:
        self.table = {state: frozenset(targets) for state, targets in table.items()}
        self.initial = frozenset(initial)
        missing = {
            target for targets in (*self.table.values(), self.initial) for target in targets
        } - self.table.keys()
        if missing:
            raise ValueError(
                f"moves lead to states that the table does not list: {sorted(missing)}"
            )

    @property
    def terminal(self) -> frozenset[S]:
        return frozenset(state for state, targets in self.table.items() if not targets)

    def check(self, before: S, after: S) -> None:
        """Raises IllegalMove."""
        if after not in self.table[before]:
            raise IllegalMove(
                f"{before} -> {after}; legal from {before}: "
                f"{', '.join(sorted(self.table[before])) or 'nothing'}"
            )

    def path(self, before: S | None, after: S) -> list[S]:
        """The fewest states to go through, ending in `after`, of several ways by those that stand
        first in the table. From an initial state, which then comes first, when `before` is None.
        Nothing when it is there. Raises IllegalMove."""
        rank = list(self.table).index
        starts = sorted(self.initial, key=rank) if before is None else [before]
        ways: list[list[S]] = [[state] for state in starts]
        seen = set(starts)
        for way in ways:
            if way[-1] == after:
                return way if before is None else way[1:]
            ways += [[*way, state] for state in sorted(self.table[way[-1]] - seen, key=rank)]
            seen |= self.table[way[-1]]
        raise IllegalMove(f"no moves lead from {before or 'the beginning'} to {after}")

    def constraint(self, name: str, field: str = "status") -> models.CheckConstraint:
        """The database's own word that the column holds a state of the table."""
        return models.CheckConstraint(
            name=name, condition=models.Q(**{f"{field}__in": sorted(self.table)})
        )
