"""The admin's first page: whether events flow, what waits for a person, and what people did last."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.timesince import timesince

from common import this_service
from common.conditions import State
from common.console.models import OperatorAction
from common.status import measures
from common.status.health import conditions_now
from common.status.state import Standing

LATEST = 10
PARKED_GROUPS = f"""
SELECT queue, type, reason, count(*), min(first_seen_at), max(last_seen_at)
FROM (SELECT * FROM inbox_parkedevent WHERE state = 'parked' LIMIT {measures.MOST_COUNTED}) AS parked
GROUP BY queue, type, reason ORDER BY min(first_seen_at) LIMIT 20
"""


def overview(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Unfold's callback for the index page; every statement is bounded (see common.status.measures)."""
    if not request.user.has_perm("inbox.view_parkedevent"):
        return context
    statements = (measures.UNPUBLISHED, measures.OLDEST_UNPUBLISHED, measures.HELD, PARKED_GROUPS, measures.DRIFT, measures.LAST_APPLIED)
    [regressed] = measures.measured(measures.REGRESSED)
    [[unpublished], oldest, [held], groups, [drift], applied] = measures.measured(*statements)
    return context | {
        "cards": [
            _card("Unpublished", unpublished[0], _age(oldest), "outbox_outboxevent", {"published_at__isempty": "1"}),
            _card("Held", held[0], "refused by the broker; waiting for you" if held[0] else "none", "outbox_outboxevent", {"held_at__isempty": "0"}),
            _card("Parked", sum(group[3] for group in groups), "not applied" if groups else "none", "inbox_parkedevent", {"state__exact": "parked"}),
            _card("Drift", drift[0], "same version, other content" if drift[0] else "none", "replication_drift", {}),
            _card("Regressed", sum(count for _, count in regressed), _owners(regressed), "replication_regression", {"closed_at__isempty": "1"}),
        ],
        "conditions": _worst_first(conditions_now()),
        "publishers": _publishers(applied),
        "parked": [_group(*group) for group in groups],
        "actions": OperatorAction.objects.all()[:LATEST],
    }


def _worst_first(standings: list[Standing]) -> list[dict[str, Any]]:
    """Every condition that is not as it should be."""
    order = (State.FAIL, State.WARN)
    wrong = [standing for standing in standings if standing.finding.state in order]
    return [
        {"name": standing.condition.name, "runbook": standing.condition.runbook, **vars(standing.finding)}
        for standing in sorted(wrong, key=lambda standing: order.index(standing.finding.state))
    ]


def _card(title: str, number: int, text: str, model: str, query: dict[str, str]) -> dict[str, Any]:
    quiet = title == "Unpublished" or not number
    return {"title": title, "number": number, "text": text, "quiet": quiet, "link": f"{reverse(f'admin:{model}_changelist')}?{urlencode(query)}"}


def _owners(regressed: measures.Rows) -> str:
    return f"the past of {', '.join(owner for owner, _ in regressed)} came back" if regressed else "none"


def _age(oldest: measures.Rows) -> str:
    return f"the oldest for {oldest[0][0]:.1f} s" if oldest else "all is published"


def _publishers(applied: measures.Rows) -> list[tuple[str, str]]:
    """When an event of each was last applied."""
    last = {publisher: f"{timesince(datetime.fromtimestamp(moment, UTC))} ago" for publisher, moment in applied}
    return [(publisher, last.get(publisher, "not lately")) for publisher in this_service.subscribes_to()]


def _group(queue: str, kind: str, reason: str, count: int, first: datetime, last: datetime) -> dict[str, Any]:
    query = urlencode({"state__exact": "parked", "queue": queue, "reason": reason})
    link = f"{reverse('admin:inbox_parkedevent_changelist')}?{query}"
    return {"queue": queue, "type": kind or "?", "reason": reason, "count": count, "first": first, "last": last, "link": link}
