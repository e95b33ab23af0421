"""The admin's first page: whether events flow, what waits for a person, and what people did
last.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from django.contrib.admin.utils import quote
from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import urlencode

from polder.admin.charts import charts
from polder.admin.models import OperatorAction
from polder.admin.parked import counted, list_of
from polder.conditions import State
from polder.consumer.samples import series
from polder.inbox.groups import groups
from polder.observability import measures
from polder.observability.health import conditions_now
from polder.observability.processes import processes
from polder.observability.state import Standing
from polder.replication.models import ReplicaState

LATEST = 10
LISTED = 20  # causes of parking
PARKED = (
    "SELECT count(*) FROM (SELECT FROM polder_inbox_parkedevent WHERE state = 'parked' LIMIT "
    f"{measures.MOST_COUNTED}) AS counted"
)


def overview(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Unfold's callback for the index page: what this person may look at. Every statement is
    bounded (see polder.observability.measures)."""
    may = request.user.has_perm
    added: dict[str, Any] = {
        "cards": list(_cards(request)),
        "conditions": _worst_first(conditions_now()),
    }
    if may("polder_inbox.view_ledgerentry"):
        added |= {
            "publishers": list(_publishers()),
            "charts": charts(),
            "processes": processes(),
            "queues": list(_queues()),
        }
    if may("polder_replication.view_replicastate"):
        added["replicas"] = list(map(_replica, ReplicaState.objects.all()))
    if may("polder_inbox.view_parkedevent"):
        with measures.limited(2.0):
            found = groups(LISTED + 1)
        added |= {
            "parked": [
                {"group": group, "count": counted(group.number), "link": list_of(group)}
                for group in found[:LISTED]
            ],
            "more_parked": len(found) > LISTED,
        }
    if may("polder_admin.view_operatoraction"):
        added["actions"] = OperatorAction.objects.all()[:LATEST]
    return context | added


def _cards(request: HttpRequest) -> Iterator[dict[str, Any]]:
    """Numbers that lead to the list of what they count."""
    may = request.user.has_perm
    if may("polder_outbox.view_outboxevent"):
        [[(unpublished,)], oldest, [(held,)]] = measures.measured(
            measures.UNPUBLISHED, measures.OLDEST_UNPUBLISHED, measures.HELD
        )
        waiting = {"published_at__isempty": "1", "held_at__isempty": "1"}
        yield _card(
            "Unpublished", unpublished, _age(oldest), "polder_outbox_outboxevent", waiting
        ) | {"quiet": True}
        yield _card(
            "Held",
            held,
            "refused by the broker; waiting for you",
            "polder_outbox_outboxevent",
            {"held_at__isempty": "0"},
        )
    if may("polder_inbox.view_parkedevent"):
        [[(parked,)]] = measures.measured(PARKED)
        yield _card(
            "Parked", parked, "not applied", "polder_inbox_parkedevent", {"state__exact": "parked"}
        )
    if may("polder_replication.view_drift"):
        [[(drift,)]] = measures.measured(measures.DRIFT)
        yield _card(
            "Drift",
            drift,
            "same version, other content",
            "polder_replication_drift",
            {"repaired_at__isempty": "1"},
        )
    if may("polder_replication.view_regression"):
        [owners] = measures.measured(measures.REGRESSED)
        number = sum(count for _, count in owners)
        yield _card(
            "Regressed",
            number,
            _owners(owners),
            "polder_replication_regression",
            {"closed_at__isempty": "1"},
        )


def _card(title: str, number: int, text: str, model: str, query: dict[str, str]) -> dict[str, Any]:
    link = f"{reverse(f'admin:{model}_changelist')}?{urlencode(query)}"
    text = text if number or title == "Unpublished" else "none"
    return {
        "title": title,
        "number": counted(number),
        "text": text,
        "quiet": not number,
        "link": link,
    }


def _worst_first(standings: list[Standing]) -> list[dict[str, Any]]:
    """Every condition that is not as it should be."""
    order = (State.FAIL, State.WARN)
    wrong = [standing for standing in standings if standing.finding.state in order]
    return [
        {
            "name": standing.condition.name,
            "runbook": standing.condition.runbook,
            **vars(standing.finding),
        }
        for standing in sorted(wrong, key=lambda standing: order.index(standing.finding.state))
    ]


def _owners(regressed: measures.Rows) -> str:
    return f"the past of {', '.join(owner for owner, _ in regressed)} came back"


def _age(oldest: measures.Rows) -> str:
    return f"the oldest for {oldest[0][0]:.1f} s" if oldest else "all is published"


def _publishers() -> Iterator[dict[str, Any]]:
    """When an event of each was last applied, and how its deliveries ended."""
    [deliveries] = measures.measured(measures.DELIVERIES)
    for name, moment in measures.last_applied():
        yield {
            "name": name,
            "last": datetime.fromtimestamp(moment, UTC) if moment else None,
            "outcomes": sorted((row[1], row[2]) for row in deliveries if row[0] == name),
        }


def _queues() -> Iterator[dict[str, Any]]:
    """How much waited in each when the housekeeper last looked."""
    for queue, points in sorted(series("queue").items()):
        at, depth = points[-1]
        yield {"name": queue, "depth": int(depth), "at": at}


def _replica(state: ReplicaState) -> dict[str, Any]:
    name = "admin:polder_replication_replicastate_change"
    return {
        "name": state.aggregate,
        "told": state.told,
        "drift": state.drift_found,
        "trouble": state.trouble,
        "link": reverse(name, args=[quote(state.pk)]),
    }
