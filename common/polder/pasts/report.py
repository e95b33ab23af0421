"""What became of each aggregate that others knew better: for people and for scripts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils import timezone

from polder.outbox.models import Fenced
from polder.pasts.adoption import Case
from polder.plural import plural

SHOWN = 20


@dataclass
class Report:
    """`undecidable`: an operator has to decide. `earlier`: healed by a run that was broken off
    before it could report it, or that left the fence around it. `standing`: healed, and fenced
    until what cannot be decided is. `unfilled`: replicas that are not as their owners say.
    `waiting`: by subscriber, events of ours that have not arrived there, and may tell of more."""

    dry_run: bool = False
    began: datetime = field(default_factory=timezone.now)
    adopted: dict[str, dict[str, Any]] = field(default_factory=dict)
    lifted: dict[str, dict[str, Any]] = field(default_factory=dict)
    undecidable: dict[str, dict[str, Any]] = field(default_factory=dict)
    earlier: list[dict[str, str]] = field(default_factory=list)
    refilled: dict[str, int] = field(default_factory=dict)
    unfilled: list[str] = field(default_factory=list)
    reconciled: int = 0
    standing: int = 0
    waiting: dict[str, int] = field(default_factory=dict)
    sequence: int = 0  # how far the outbox's sequence was behind its rows

    def add(self, cases: Sequence[Case[Any]]) -> None:
        """What a later round says of the same one counts."""
        for case in cases:
            name = f"{case.aggregate} {case.key}"
            about = {"aggregate": case.aggregate, "key": case.key, "was": case.was}
            for kind in (self.adopted, self.lifted, self.undecidable):
                kind.pop(name, None)
            if case.problem:
                self.undecidable[name] = about | {
                    "known_version": case.proven.version,
                    "known_by": case.proven.known_by,
                    "why": case.problem,
                }
            else:
                kind = self.adopted if case.moved else self.lifted
                kind[name] = about | {"is": case.is_now, "unknown": case.unknown}

    def add_earlier(self, rows: Iterable[Fenced]) -> None:
        self.earlier += [
            {"aggregate": row.aggregate, "key": row.key, "became": row.reason} for row in rows
        ]

    @property
    def is_empty(self) -> bool:
        healed = (self.adopted, self.lifted, self.undecidable, self.earlier)
        done = (*healed, self.refilled, self.sequence)
        return not any(done)

    def as_json(self) -> dict[str, Any]:
        return {
            "dry_run": self.dry_run,
            "adopted": list(self.adopted.values()),
            "lifted": list(self.lifted.values()),
            "undecidable": list(self.undecidable.values()),
            "earlier": self.earlier,
            "refilled": self.refilled,
            "unfilled": self.unfilled,
            "reconciled": self.reconciled,
            "standing": self.standing,
            "waiting": self.waiting,
            "sequence": self.sequence,
        }

    def lines(self) -> Iterator[str]:
        will = "would be " if self.dry_run else ""
        for replica, number in self.refilled.items():
            yield f"replica {replica}: {number} rows were not as their owner's"
        for replica in self.unfilled:
            yield f"replica {replica}: as it was in the backup, until its owner has answered"
        if self.sequence:
            yield f"the outbox's sequence was {self.sequence} behind its rows"
        if self.earlier:
            yield f"{len(self.earlier)} healed by an earlier run, which left the fence around them:"
            for one in self.earlier:
                yield f"  {one['aggregate']} {one['key']}: {one['became']}"
        yield from _table(f"{will}adopted from the copies of others", self.adopted)
        yield from _table(f"{will}raised above what others know, otherwise as it was", self.lifted)
        if self.undecidable:
            yield f"{len(self.undecidable)} cannot be decided here, and stay fenced:"
            for name, about in self.undecidable.items():
                yield f"  {name}: here {about['was']}; {about['why']}"
        if self.standing:
            are = plural(self.standing, "healed row stays", "healed rows stay")
            yield (
                f"{are} fenced, because what cannot be decided changes them, too: run this again "
                "when it is decided"
            )
        for name, number in self.waiting.items():
            yield (
                f"{number} events of this service wait in the queue of {name}, and may tell of "
                "more: run this again when they have arrived"
            )
        if not self.dry_run:
            yield f"{self.reconciled} rows of replicas reconciled"


def _table(what: str, found: dict[str, dict[str, Any]]) -> Iterator[str]:
    yield f"{len(found)} {what}"
    for name, about in list(found.items())[:SHOWN]:
        unknown = f"; nobody knows its {', '.join(about['unknown'])}" if about["unknown"] else ""
        yield f"  {name}: {about['was']} -> {about['is']}{unknown}"
    if len(found) > SHOWN:
        yield f"  and {len(found) - SHOWN} more: --json names all"
    for name, about in list(found.items())[SHOWN:]:
        if about["unknown"]:
            yield f"  {name}: nobody knows its {', '.join(about['unknown'])}"
