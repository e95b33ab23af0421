"""Whether this process lives, and whether the service can do its work."""

from __future__ import annotations

from typing import Any

from django.db import Error
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache

from polder.api.plain_problems import only_safe
from polder.conditions import State
from polder.observability.look import Look, TooSlow
from polder.observability.state import Standing, database_away, look_at_all

ANSWERS_WITHIN = 2.5  # seconds; the container's own check waits for three

_conditions = Look(look_at_all, ANSWERS_WITHIN)


@only_safe
@never_cache
def livez(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "alive"})


@only_safe
@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    """503 when the process cannot answer requests: the database is away or lacks migrations. All
    else is told with 200."""
    standings = conditions_now()
    unready = any(standing.stops_traffic for standing in standings)
    problems = [
        standing.finding.sentence
        for standing in standings
        if standing.finding.state is not State.OK
    ]
    told = [_told(standing) for standing in standings]
    answer = {
        "status": "not ready" if unready else "ready",
        "problems": problems,
        "conditions": told,
    }
    return JsonResponse(answer, status=503 if unready else 200)


def conditions_now() -> list[Standing]:
    """Every condition; of the database alone when it does not answer in time."""
    try:
        return _conditions.now()
    except TooSlow:
        return [database_away(f"no answer within {ANSWERS_WITHIN} s")]
    except Error as error:
        return [database_away(str(error).strip())]


def _told(standing: Standing) -> dict[str, Any]:
    condition, finding = standing.condition, standing.finding
    told = {"name": condition.name, "state": finding.state, "sentence": finding.sentence}
    return told | {"since": finding.since, "runbook": f"docs/operations.md#{condition.runbook}"}
