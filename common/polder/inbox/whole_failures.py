"""A batch that fails as a whole: no event of it is to blame, and none was applied."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from polder.errors.faults import MOMENT, Fault, fault_of
from polder.errors.private import without_values
from polder.inbox.batch_errors import ConsumerHalted, TransientFailure
from polder.inbox.report import Manner
from polder.inbox.waiting import note_halt


@contextmanager
def whole_failures_told(manner: Manner) -> Iterator[None]:
    """Raises TransientFailure or ConsumerHalted for what the database, the environment or our own
    code raises; why the consumer halts is written down for operators."""
    try:
        yield
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
                "the schema, the code and the machine do not fit together, run the migrations: "
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
