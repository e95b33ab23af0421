"""What was on the wire, as the auditor saw it: every event (I5), each aggregate's in the order of
its versions (I7)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, MutableSet
from typing import Protocol

from tests.auditor import Seen
from tests.blackbox.copies import SUBSCRIPTIONS
from tests.invariants.look import Look
from tests.invariants.violation import Violation


class Witness(Protocol):
    """An auditor: what it saw, in the order of arrival, and which of an owner's events it has to
    have seen (None: all)."""

    def read(self) -> list[Seen]: ...

    def demanded(self, owner: str) -> set[str] | None: ...


def witnessed(look: Look, witness: Witness, disordered: MutableSet[str]) -> Iterator[Violation]:
    """`disordered`: subjects of which no order is asked; those found out of order are added, to be
    told once."""
    seen = witness.read()
    on_the_wire = {event.id for event in seen}
    committed: set[str] = set()
    from_one = True
    for owner in SUBSCRIPTIONS:
        sent = {str(key) for key in look.sent[owner]}
        late = witness.demanded(owner)
        demanded = sent if late is None else sent & late
        committed |= demanded
        from_one = from_one and late is None
        look.count("I5", "events on the wire", len(demanded))
        if unseen := demanded - on_the_wire:
            yield Violation(
                "I5",
                owner,
                f"{len(unseen)} events were marked published and never seen on the wire, such as "
                f"{min(unseen)}",
            )
    first: dict[str, Seen] = {}  # without the poison; each when it came first
    for event in seen:
        if event.id in committed:
            first.setdefault(event.id, event)
    look.count("I7", "events", len(first))
    yield from _order(first.values(), disordered, from_one=from_one)


def _order(
    arrivals: Iterable[Seen], disordered: MutableSet[str], *, from_one: bool
) -> Iterator[Violation]:
    newest: dict[tuple[str, str], int] = {}
    for event in arrivals:
        about = (event.aggregate, event.subject)
        before = newest.get(about, 0 if from_one else event.version - 1)
        if event.version != before + 1 and event.subject not in disordered:
            yield Violation(
                "I7",
                event.aggregate,
                f"{event.subject} v{event.version} came over the wire after v{before}",
            )
            disordered.add(event.subject)
        newest[about] = max(before, event.version)
