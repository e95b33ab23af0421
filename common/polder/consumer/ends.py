"""How a batch ended, from the error that came back from the pool."""

from __future__ import annotations

from polder.consumer.dispatch import Ended
from polder.consumer.transitions import End
from polder.errors.faults import Fault
from polder.inbox.batch_errors import ConsumerHalted, HeldBack, TransientFailure
from polder.inbox.quarantine import Suspects

LOST = {
    "WorkerLostError",
    "TimeLimitExceeded",
    "SoftTimeLimitExceeded",
    "Terminated",
    "MemoryError",
    "SystemExit",
    "KeyboardInterrupt",
}
BY_FAULT = {Fault.AWAY: End.AWAY, Fault.TOO_SLOW: End.TOO_SLOW}


def how_it_ended(error: BaseException) -> Ended:
    """What is not known of may or may not have committed: again, the ledger will tell."""
    text = " ".join(str(error).split())[:1_000]
    if isinstance(error, TransientFailure):
        return Ended(BY_FAULT.get(error.fault, End.AGAIN), text)
    if isinstance(error, HeldBack):
        return Ended(End.HELD_BACK, text, locked=error.locked, undecided=error.undecided)
    if isinstance(error, ConsumerHalted):
        return Ended(End.HALTED, text, suspects=error.positions)
    if isinstance(error, Suspects):
        return Ended(End.SUSPECTS, text, suspects=error.positions)
    return Ended(End.LOST if type(error).__name__ in LOST else End.AGAIN, text)
