"""How a batch is to be applied, and what became of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from polder.inbox import accounting
from polder.inbox.accounting import Counts, Redriving
from polder.inbox.delivery import Arrival, Delivery
from polder.inbox.failed_message import Failed
from polder.inbox.repeats import end_unread
from polder.inbox.waiting import note_applied
from polder.process.failpoints import Failpoint, failpoint


@dataclass
class Report:
    """What became of a batch: deliveries by (publisher, outcome), and events by type."""

    outcomes: Counts = field(default_factory=Counter)
    types: Counter[str] = field(default_factory=Counter)
    ended: set[str] = field(default_factory=set)  # signatures of halts that it proved to be over
    # the parked rows that were left alone, because somebody holds what their messages need
    stuck: list[int] = field(default_factory=list)

    def __str__(self) -> str:
        outcomes: Counter[str] = Counter()
        for (_, outcome), number in self.outcomes.items():
            outcomes[outcome] += number
        return "; ".join(
            ", ".join(f"{number} {name}" for name, number in counter.most_common())
            for counter in (outcomes, self.types)
            if counter
        )


@dataclass(frozen=True)
class Manner:
    """How a batch is to be applied."""

    # what fails is not parked before it is known whose fault that is, but told by HeldBack
    hold_back: bool = False
    # somebody holds locks for long: a wait for one is short
    hurried: bool = False
    # some of it may have failed before
    retried: bool = False
    # The parked rows, locked by the caller, whose messages these are, one by one. Somebody wants
    # it, so no age is too high, and what fails is parked, whatever else fails; but what waits for a
    # lock is left alone, and told by the report.
    redriven: Redriving = None


AT_ONCE = Manner()


def note(
    report: Report,
    applied: Sequence[Delivery],
    arrivals: Sequence[Arrival],
    manner: Manner,
    undecided: Sequence[Failed] = (),
) -> None:
    """The last statements of a batch's transaction: the accounting, and the end of what waited."""
    if manner.retried:
        report.ended = note_applied(applied)
    _count(report, arrivals, undecided, manner.redriven)
    failpoint(Failpoint.WORKER_BEFORE_COMMIT)


def _count(
    report: Report, arrivals: Sequence[Arrival], undecided: Sequence[Failed], redriven: Redriving
) -> None:
    if accounting.count(report.outcomes):
        held = {id(one.delivery) for one in undecided}
        came = [one for one in arrivals if id(one.delivery) not in held]
        ended = accounting.of_unread(end_unread(came, redriven), came, report.outcomes)
        accounting.count(ended)
        report.outcomes += ended  # what is none then is left out
