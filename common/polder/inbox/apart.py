"""A batch that is not applied as a whole: which of its events fail, whose fault it is, and what
becomes of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from django.db import transaction

from polder.contracts.decode import Unreadable
from polder.errors.faults import Fault
from polder.errors.private import without_values
from polder.inbox import accounting, ledger
from polder.inbox.accounting import Counts, Redriving
from polder.inbox.batch_errors import ConsumerHalted, HeldBack
from polder.inbox.bisecting import AllAlike, Bisection
from polder.inbox.delivery import Arrival, Delivery
from polder.inbox.failed_message import Failed
from polder.inbox.judging import Verdict, judge
from polder.inbox.models import Outcome, Unrecorded
from polder.inbox.parking import park_failed, park_unreadable, was_read_before
from polder.inbox.repeats import reused, told_apart
from polder.inbox.report import Manner, Report, note
from polder.inbox.waiting import note_failures, note_halt


def apply_apart(
    deliveries: Sequence[Delivery],
    arrivals: Sequence[Arrival],
    rejected: Sequence[Failed],
    manner: Manner,
    report: Report,
    fault: Fault | None,
    *,
    began: float,
) -> list[Failed]:
    """Applies those that succeed, parks those that fail for their own sake, and returns the rest:
    it is not known yet whose fault those are. `fault`: of them all together, when that was tried.
    """
    try:
        with transaction.atomic():
            bisection = Bisection(
                manner.redriven, hurried=fault is Fault.LOCKED, fails=fault is Fault.EVENT
            )
            bisection.run(arrivals)
            report.outcomes += bisection.outcomes
            failures = [*rejected, *bisection.failures]
            verdict = _verdict(failures, began, manner) if failures else Verdict()
            if verdict.halt:
                raise AllAlike(failures, verdict.halt)
            report.outcomes += _carry_out(verdict, manner)
            failing = {id(one.delivery) for one in failures}
            applied = [delivery for delivery in deliveries if id(delivery) not in failing]
            note(report, applied, arrivals, manner, verdict.undecided)
    except AllAlike as alike:
        raise _halted(alike, deliveries) from None
    return verdict.undecided


def held_back(report: Report, held: Sequence[Failed], deliveries: Sequence[Delivery]) -> HeldBack:
    """What tells the consumer which messages of a batch were not applied."""
    position = {id(delivery): number for number, delivery in enumerate(deliveries)}
    locked = [position[id(one.delivery)] for one in held if one.fault is Fault.LOCKED]
    undecided = [position[id(one.delivery)] for one in held if one.fault is not Fault.LOCKED]
    first = next((one for one in held if one.tried), held[0])
    told = f"{report}; {len(held)} held back: {first.signature}: "
    told += without_values(first.error.strip()[:500])
    error = HeldBack(told.lstrip("; "), locked, undecided)
    error.ended = report.ended
    return error


def _verdict(failures: Sequence[Failed], began: float, manner: Manner) -> Verdict:
    if manner.redriven is None:
        return judge(failures, began=began, hold_back=manner.hold_back)
    locked = [one for one in failures if one.fault is Fault.LOCKED]
    own = [one for one in failures if one.fault is not Fault.LOCKED]
    return Verdict(own=own, undecided=locked)


def _carry_out(verdict: Verdict, manner: Manner) -> Counts:
    """Parks what fails for its own sake, and writes down what else failed."""
    outcomes: Counts = Counter()
    for one in verdict.own:
        outcomes += _park(one, manner.redriven)
    if manner.redriven is None:
        evidence = [one for one in verdict.own if one.event or one.fault is Fault.AHEAD]
        note_failures(evidence, parked=True)
        note_failures(verdict.undecided, parked=False)
    return outcomes


def _halted(alike: AllAlike, deliveries: Sequence[Delivery]) -> ConsumerHalted:
    signature = alike.failures[0].signature
    failing = [
        one for one in alike.failures if one.signature in alike.reason or one.signature == signature
    ]
    note_halt(signature, alike.reason, failing)
    keys = {one.delivery for one in failing}
    return ConsumerHalted(
        alike.reason, [number for number, delivery in enumerate(deliveries) if delivery in keys]
    )


def _park(one: Failed, redriven: Redriving) -> Counts:
    delivery, event = one.delivery, one.event
    if event is None:
        was_read = redriven is None and was_read_before(delivery)
        is_new = not was_read and park_unreadable(delivery, Unreadable(one.reason, one.error))
        return accounting.of_parked(
            delivery.publisher, Unrecorded.UNREADABLE, is_new=is_new, redriven=redriven
        )
    arrival = Arrival(delivery, event)
    if not ledger.record([arrival], {arrival.key: Outcome.PARKED}):
        entry = ledger.known([arrival])[arrival.key]
        if entry.outcome != Outcome.PARKED or not entry.is_of(event):
            return _park_repeat(arrival, entry, redriven)
    is_new = park_failed(one)
    return accounting.of_parked(
        delivery.publisher, Outcome.PARKED, is_new=is_new, redriven=redriven
    )


def _park_repeat(arrival: Arrival, entry: ledger.Known, redriven: Redriving) -> Counts:
    """Its id is that of another message in this batch: as if it had come later."""
    publisher = arrival.delivery.publisher
    if not told_apart([arrival], {arrival.key: entry}, redriven).reused:
        return accounting.of_duplicate(publisher, redriven)
    is_new = park_unreadable(arrival.delivery, reused(arrival), arrival.event)
    return accounting.of_parked(publisher, Unrecorded.UNREADABLE, is_new=is_new, redriven=redriven)
