"""The admin's first page: whether events flow, what waits for a person, and what people did
last.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.contrib.admin.utils import quote
from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import urlencode

from polder.admin.charts import charts
from polder.admin.models import OperatorAction
from polder.admin.parked import counted, list_of
from polder.admin.standing import applied, queues, wrong_first
from polder.inbox.groups import groups
from polder.observability import measures
from polder.observability.processes import processes
from polder.replication import freshness
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
        "conditions": wrong_first(),
    }
    if may("polder_inbox.view_ledgerentry"):
        added |= {
            "publishers": list(applied()),
            "charts": charts(),
            "processes": processes(),
            "queues": list(queues()),
        }
    if may("polder_replication.view_replicastate"):
        added["replicas"] = _replicas()
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
    if apps.is_installed("polder.effects") and may("polder_effects.view_intent"):
        [effects] = measures.measured(measures.EFFECTS)
        number = sum(count for _, state, count in effects if state == "failed")
        told, query = "given up; waiting for you", {"state__exact": "failed"}
        yield _card("Effects", number, told, "polder_effects_intent", query)
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


def _owners(regressed: measures.Rows) -> str:
    return f"the past of {', '.join(owner for owner, _ in regressed)} came back"


def _age(oldest: measures.Rows) -> str:
    return f"the oldest for {oldest[0][0]:.1f} s" if oldest else "all is published"


def _replicas() -> list[dict[str, Any]]:
    behind = freshness.behind()
    return [_replica(state, behind.get(state.owner)) for state in ReplicaState.objects.all()]


def _replica(state: ReplicaState, behind: float | None) -> dict[str, Any]:
    name = "admin:polder_replication_replicastate_change"
    return {
        "name": state.aggregate,
        "told": state.told,
        "behind": freshness.told(behind),
        "drift": state.drift_found,
        "trouble": state.trouble,
        "link": reverse(name, args=[quote(state.pk)]),
    }
