"""What could not be applied, with what is needed to judge whose fault it is, and to park it."""

from __future__ import annotations

import sys
import traceback as tracebacks
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from polder.contracts.event import Event
from polder.faults import Fault
from polder.inbox.delivery import Arrival, Delivery
from polder.inbox.reading import Blame, Rejected

_NOT_OURS = ("site-packages", "dist-packages", f"lib/python{sys.version_info.major}.{sys.version_info.minor}/", "<frozen")


@dataclass(frozen=True)
class Failed:
    """A message of a batch that failed by itself. Holds the error as text: the error itself leads, by its traceback, back to
    the list that holds this."""

    delivery: Delivery
    event: Event | None  # None: it could not be read
    fault: Fault
    signature: str  # the same for all that fail alike
    reason: str
    error: str
    traceback: str = ""
    tried: bool = True  # False: there was no time for it

    @property
    def key(self) -> tuple[str, str]:
        return self.delivery.queue, self.delivery.body_hash

    @property
    def aggregate(self) -> tuple[str, str]:
        return self.delivery.publisher, self.event.subject if self.event else self.delivery.body_hash


def failed(arrival: Arrival, error: BaseException, fault: Fault) -> Failed:
    """The type of the error and where in our code it came about tell what fails alike; its text may name the key."""
    kind = type(error).__name__
    signature = f"{kind} in {_innermost(error.__traceback__)} ({arrival.event.type})"
    told = "".join(tracebacks.format_exception(error))[-20_000:]
    return Failed(arrival.delivery, arrival.event, fault, signature[:300], kind[:40], str(error), told)


def not_tried(arrival: Arrival, fault: Fault) -> Failed:
    return Failed(arrival.delivery, arrival.event, fault, "", "", "", tried=False)


def refused(rejected: Rejected) -> Failed:
    """What is no event for this service, or not yet."""
    delivery, why = rejected
    signature = f"{why.reason} from {delivery.publisher or 'nobody'}"
    fault = Fault.AHEAD if rejected.blame is Blame.DOUBTFUL else Fault.EVENT
    return Failed(delivery, None, fault, signature, why.reason, str(why))


def _innermost(traceback: TracebackType | None) -> str:
    """The last frame that belongs neither to Python nor to an installed package: `order_service/reconcile.py:reconcile_orders`."""
    frames = [(frame.f_code.co_filename, frame.f_code.co_name) for frame, _ in tracebacks.walk_tb(traceback)]
    ours = [frame for frame in frames if not any(part in frame[0] for part in _NOT_OURS)] or frames
    if not ours:
        return "nowhere"
    file, function = ours[-1]
    return f"{'/'.join(Path(file).parts[-2:])}:{function}"
