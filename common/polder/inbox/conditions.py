"""What /readyz, the metrics and the overview tell of events that are not applied."""

from __future__ import annotations

from polder.conditions import Finding, condition, fail, ok, warn
from polder.errors.faults import Fault
from polder.inbox.waiting import Waiting, halts, waiting_now
from polder.plural import plural

WHY: dict[str, str] = {
    Fault.LOCKED: "for a lock that somebody holds",
    Fault.BUSY: "because what the database says is the moment's fault does not pass",
    Fault.TOO_SLOW: "because each is too much for the database by itself, and is tried again",
}


@condition("consumer-halted", runbook="the-consumer-has-halted")
def consumer_halted() -> Finding:
    found = halts()
    if not found:
        return ok("events are applied")
    return fail(
        "no events are applied: " + "; ".join(halt.reason for halt in found), found[0].since
    )


@condition("events-waiting", runbook="events-that-wait")
def events_waiting() -> Finding:
    found = waiting_now()
    if not found:
        return ok("no event waits for something else than its turn")
    return warn("; ".join(_told(one) for one in found[:5]), found[0].since)


def _told(one: Waiting) -> str:
    why = WHY.get(one.fault, "until it is known whose fault it is that they fail")
    return (
        f"{plural(one.number, 'event', 'events')} from {one.publisher} "
        f"{'waits' if one.number == 1 else 'wait'} {why}, the first is {one.event}: {one.signature}"
    )
