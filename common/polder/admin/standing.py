"""How the service stands, for the overview and for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from polder.conditions import State
from polder.consumer.samples import series
from polder.observability import measures
from polder.observability.health import conditions_now


def wrong_first() -> list[dict[str, Any]]:
    """Every condition that is not as it should be, the worst first."""
    order = (State.FAIL, State.WARN)
    wrong = [one for one in conditions_now() if one.finding.state in order]
    return [
        {"name": one.condition.name, "runbook": one.condition.runbook, **vars(one.finding)}
        for one in sorted(wrong, key=lambda one: order.index(one.finding.state))
    ]


def applied() -> Iterator[dict[str, Any]]:
    """When an event of each publisher was last applied, and how its deliveries ended."""
    [deliveries] = measures.measured(measures.DELIVERIES)
    for name, moment in measures.last_applied():
        yield {
            "name": name,
            "last": datetime.fromtimestamp(moment, UTC) if moment else None,
            "outcomes": {row[1]: row[2] for row in sorted(deliveries) if row[0] == name},
        }


def queues() -> Iterator[dict[str, Any]]:
    """How much waited in each when the housekeeper last looked."""
    for queue, points in sorted(series("queue").items()):
        at, depth = points[-1]
        yield {"name": queue, "depth": int(depth), "at": at}
