"""How it stands with every registered condition."""

from __future__ import annotations

import time
from dataclasses import dataclass

from django.db import Error, connection, transaction

from polder.conditions import Condition, Finding, State, conditions, fail, ok
from polder.observability.measures import limit_statements

SECONDS, LEAST = 2.0, 0.01  # for all together; what is still worth beginning
# It answers, or else there is nobody to ask.
DATABASE = Condition("database", lambda: ok("the database answers"), "health", stops_traffic=True)


@dataclass(frozen=True)
class Standing:
    """A condition and what was found."""

    condition: Condition
    finding: Finding

    @property
    def stops_traffic(self) -> bool:
        return self.condition.stops_traffic and self.finding.state is State.FAIL


def look_at_all() -> list[Standing]:
    """Every condition, those that stop traffic first, within two seconds. Raises django.db.Error
    when the database is away."""
    ends = time.monotonic() + SECONDS
    known = sorted(conditions.values(), key=lambda each: (not each.stops_traffic, each.name))
    return [
        Standing(DATABASE, DATABASE.look()),
        *(Standing(each, _look(each, ends)) for each in known),
    ]


def database_away(why: str) -> Standing:
    """What is left to say when the others cannot be looked at."""
    return Standing(DATABASE, fail(f"database: {why}"))


def _look(condition: Condition, ends: float) -> Finding:
    if (seconds := ends - time.monotonic()) < LEAST:
        return fail(f"{condition.name} could not be looked at in time")
    try:
        with transaction.atomic():
            limit_statements(seconds)
            return condition.look()
    except Exception as error:
        if isinstance(error, Error) and not connection.is_usable():
            raise
        why = f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0][:200]}"
        return fail(f"{condition.name} could not be looked at: {why}")
