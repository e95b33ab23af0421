"""Applying a batch: read, record in the ledger, merge, reconcile, commit. One transaction, and what
it commits is done exactly once."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

from django.db import connection, transaction

from polder.contracts.decode import Unreadable
from polder.failpoints import Failpoint, failpoint
from polder.faults import MOMENT, Fault, fault_of
from polder.inbox import accounting, accounts, ledger
from polder.inbox.accounts import Redriving
from polder.inbox.bisecting import AllAlike, Bisection
from polder.inbox.delivery import Arrival, Delivery
from polder.inbox.failed import Failed, refused
from polder.inbox.failures import ConsumerHalted, HeldBack, TransientFailure
from polder.inbox.judging import Verdict, judge
from polder.inbox.models import Outcome, Unrecorded
from polder.inbox.parking import is_parked, park_failed, park_unreadable, was_read_before
from polder.inbox.processing import Overtaken, process
from polder.inbox.reading import read
from polder.inbox.repeats import end_unread
from polder.inbox.waiting import note_applied, note_failures, note_halt
from polder.private import without_values


@dataclass
class Report:
    """What became of a batch: deliveries by (publisher, outcome), and events by type."""

    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
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
    """How a batch is to be applied. `hold_back`: what fails is not parked before it is known whose
    fault that is, but told by HeldBack. `hurried`: somebody holds locks for long; a wait for one is
    short. `retried`: some of it may have failed before. `redriven`: the parked rows, locked by the
    caller, whose messages these are, one by one: somebody wants it, so no age is too high, and what
    fails is parked, whatever else fails, but for what waits for a lock, which is told by the
    report; they are counted as what they are."""

    hold_back: bool = False
    hurried: bool = False
    retried: bool = False
    redriven: Redriving = None


AT_ONCE = Manner()


def apply_batch(deliveries: Sequence[Delivery], *, manner: Manner = AT_ONCE) -> Report:
    """Applies them all, or raises and has applied none. May run twice, and beside others that apply
    the same messages.

    Raises TransientFailure (try again), ConsumerHalted (fix the service first) or, if `manner`
    wants it, HeldBack: then all but some were applied. An event that fails for a reason of its own
    is parked in the same transaction, and the rest is applied. What is redriven may be beyond the
    ledger's horizon; then its aggregate version alone keeps it from being applied twice.
    """
    try:
        report, held = _apply_together(deliveries, manner)
        failpoint(Failpoint.WORKER_AFTER_COMMIT)
    except ConsumerHalted as halted:
        if halted.positions is None and manner.redriven is None:
            note_halt("the environment", str(halted))
        raise
    except Exception as error:
        fault = fault_of(error)
        if fault in MOMENT:
            raise TransientFailure(str(error).strip(), fault) from error
        if fault is Fault.ENVIRONMENT:
            reason = (
                "the schema, the code and the machine do not fit together, run the "
                "migrations: "
                f"{without_values(str(error))}"
            )
            note_halt(f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}", reason)
            raise ConsumerHalted(reason) from error
        # it came about where no event is looked at
        if fault is Fault.EVENT and manner.redriven is None:
            told = without_values(repr(error))
            note_halt(f"{type(error).__name__} while a batch was applied", told)
            raise ConsumerHalted(f"it fails whatever is applied: {told}") from error
        raise
    if manner.redriven is not None:
        keys = {one.delivery for one in held}
        rows = zip(manner.redriven, deliveries, strict=True)
        report.stuck = [row for row, delivery in rows if delivery in keys]
    elif held:
        raise _held_back(report, held, deliveries)
    return report


def _apply_together(deliveries: Sequence[Delivery], manner: Manner) -> tuple[Report, list[Failed]]:
    """The report, and what was not applied and not parked."""
    report, began = Report(), time.monotonic()
    arrivals, rejected = read(deliveries, any_age=manner.redriven is not None)
    report.types += Counter(event.type for _, event in arrivals)
    fault = Fault.LOCKED if manner.hurried else None
    if not rejected and not manner.hurried and manner.redriven is None:
        fault = _apply_all(deliveries, arrivals, manner, report)
        if fault is None:
            return report, []
    try:
        with transaction.atomic():
            bisection = Bisection(
                partial(process, redriven=manner.redriven),
                _wait_for_locks_at_most,
                to_the_end=manner.redriven is not None,
                hurried=fault is Fault.LOCKED,
                fails=fault is Fault.EVENT,
            )
            bisection.run(arrivals)
            report.outcomes += bisection.outcomes
            failures = [*(refused(one) for one in rejected), *bisection.failures]
            verdict = _verdict(failures, began, manner) if failures else Verdict()
            if verdict.halt:
                raise AllAlike(failures, verdict.halt)
            report.outcomes += _carry_out(verdict, manner)
            failing = {id(one.delivery) for one in failures}
            applied = [delivery for delivery in deliveries if id(delivery) not in failing]
            _note(report, applied, arrivals, verdict, manner)
    except AllAlike as alike:
        raise _halted(alike, deliveries) from None
    return report, verdict.undecided


def _apply_all(
    deliveries: Sequence[Delivery],
    arrivals: Sequence[Arrival],
    manner: Manner,
    report: Report,
) -> Fault | None:
    """What nearly every batch needs: all of it succeeds, so no savepoint has been of use. None, or
    whose fault it is that none was applied; then it is to be found out which of them fail."""
    try:
        with transaction.atomic():
            outcomes = process(arrivals, None)
            report.outcomes += outcomes
            _note(report, deliveries, arrivals, Verdict(), manner)
    except Overtaken:
        fault = Fault.BUSY
    except Exception as error:
        fault = fault_of(error)
        if fault not in (Fault.EVENT, Fault.LOCKED):
            raise
    else:
        return None
    report.outcomes.clear()
    return fault


def _note(
    report: Report,
    applied: Sequence[Delivery],
    arrivals: Sequence[Arrival],
    verdict: Verdict,
    manner: Manner,
) -> None:
    """The last statements of a batch's transaction: the accounting, and the end of what waited."""
    if manner.retried:
        report.ended = note_applied(applied)
    _count(report, arrivals, verdict, manner.redriven)
    failpoint(Failpoint.WORKER_BEFORE_COMMIT)


def _verdict(failures: Sequence[Failed], began: float, manner: Manner) -> Verdict:
    if manner.redriven is None:
        return judge(failures, began=began, hold_back=manner.hold_back)
    locked = [one for one in failures if one.fault is Fault.LOCKED]
    own = [one for one in failures if one.fault is not Fault.LOCKED]
    return Verdict(own=own, undecided=locked)


def _carry_out(verdict: Verdict, manner: Manner) -> Counter[tuple[str, str]]:
    """Parks what fails for its own sake, and writes down what else failed."""
    outcomes: Counter[tuple[str, str]] = Counter()
    for one in verdict.own:
        outcomes += _park(one, manner.redriven)
    if manner.redriven is None:
        evidence = [one for one in verdict.own if one.event or one.fault is Fault.AHEAD]
        note_failures(evidence, parked=True)
        note_failures(verdict.undecided, parked=False)
    return outcomes


def _held_back(report: Report, held: Sequence[Failed], deliveries: Sequence[Delivery]) -> HeldBack:
    position = {id(delivery): number for number, delivery in enumerate(deliveries)}
    locked = [position[id(one.delivery)] for one in held if one.fault is Fault.LOCKED]
    undecided = [position[id(one.delivery)] for one in held if one.fault is not Fault.LOCKED]
    first = next((one for one in held if one.tried), held[0])
    told = f"{report}; {len(held)} held back: {first.signature}: {first.error.strip()[:500]}"
    held_back = HeldBack(told.lstrip("; "), locked, undecided)
    held_back.ended = report.ended
    return held_back


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


def _wait_for_locks_at_most(span: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [span])


def _count(
    report: Report, arrivals: Sequence[Arrival], verdict: Verdict, redriven: Redriving
) -> None:
    if accounting.count(report.outcomes):
        held = {id(one.delivery) for one in verdict.undecided}
        ended = accounts.of_unread(
            end_unread([one for one in arrivals if id(one.delivery) not in held], redriven)
        )
        report.outcomes += ended
        accounting.count(ended)


def _park(one: Failed, redriven: Redriving) -> Counter[tuple[str, str]]:
    delivery, event = one.delivery, one.event
    if event is None:
        was_read = redriven is None and was_read_before(delivery)
        is_new = not was_read and park_unreadable(delivery, Unreadable(one.reason, one.error))
        return accounts.of_parked(
            delivery.publisher, Unrecorded.UNREADABLE, is_new=is_new, redriven=redriven
        )
    arrival = Arrival(delivery, event)
    if not ledger.record([arrival], {arrival.key: Outcome.PARKED}) and not is_parked(arrival):
        return accounts.of_duplicate(delivery.publisher, redriven)
    is_new = park_failed(one)
    return accounts.of_parked(delivery.publisher, Outcome.PARKED, is_new=is_new, redriven=redriven)
