"""Several things that one job does, of which none keeps the others from being done."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import TypeVar

from django.db import Error

from polder.errors.faults import Fault, fault_of

log = logging.getLogger(__name__)
Done = TypeVar("Done")


def all_in_turn(steps: Mapping[str, Callable[[], Done]]) -> dict[str, Done]:
    """Takes each step, also when one before it failed; what each returned. Raises, after all of
    them, what the first raised that failed; at once what the others would raise as well."""
    done: dict[str, Done] = {}
    failures: list[Exception] = []
    for name, step in steps.items():
        try:
            done[name] = step()
        except Exception as error:
            fault = fault_of(error)
            if fault is Fault.INTERRUPTED or (fault is Fault.AWAY and isinstance(error, Error)):
                raise  # nothing else could be done either
            log.exception("%s failed; the rest of its job is done, and it is tried again", name)
            failures.append(error)
    if failures:
        raise failures[0]
    return done
