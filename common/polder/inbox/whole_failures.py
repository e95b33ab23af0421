"""A batch that fails as a whole: no event of it is to blame, and none was applied."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.db import connection

from polder.errors.faults import MOMENT, Fault, fault_of
from polder.errors.origin import origin_of
from polder.errors.private import without_values
from polder.errors.text import text_of
from polder.inbox.batch_errors import ConsumerHalted, TransientFailure
from polder.inbox.delivery import Delivery
from polder.inbox.failed_message import failed_alone
from polder.inbox.report import Manner
from polder.inbox.waiting import note_alone, note_halt


@contextmanager
def whole_failures_told(deliveries: Sequence[Delivery], manner: Manner) -> Iterator[None]:
    """Raises TransientFailure or ConsumerHalted for what the database, the environment or our own
    code raises; why the consumer halts is written down for operators, and which message is too much
    by itself."""
    try:
        yield
    except ConsumerHalted as halted:
        if halted.positions is None and manner.redriven is None:
            note_halt("the environment", str(halted))
        raise
    except Exception as error:
        fault, text = fault_of(error), text_of(error)
        if connection.closed_in_transaction:  # what is said since is that it is away
            told = "code of this service has closed the database's connection under a batch"
            note_halt(told, told)
            raise ConsumerHalted(told) from error
        if fault in MOMENT:
            is_known = fault is Fault.TOO_SLOW or (fault is Fault.BUSY and manner.retried)
            if is_known and len(deliveries) == 1 and manner.redriven is None:
                note_alone(failed_alone(deliveries[0], fault, text))
            raise TransientFailure(text, fault) from error
        if fault is Fault.ENVIRONMENT:
            reason = (
                "the schema, the code and the machine do not fit together, run the migrations: "
                f"{without_values(text)}"
            )
            note_halt(origin_of(error), reason)  # its text may be another one each time
            raise ConsumerHalted(reason) from error
        # it came about where no event is looked at
        if fault is Fault.EVENT and manner.redriven is None:
            told = without_values(f"{type(error).__name__}: {text}")
            note_halt(f"{type(error).__name__} while a batch was applied", told)
            raise ConsumerHalted(f"it fails whatever is applied: {told}") from error
        raise
