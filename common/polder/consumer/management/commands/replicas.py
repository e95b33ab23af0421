from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandParser

from polder.process.command import ServiceCommand
from polder.replication import freshness
from polder.replication.models import ReplicaState
from polder.replication.replica import replications
from polder.span import span

COLUMNS = (
    "state",
    "reason",
    "rows_done",
    "estimate",
    "rows_changed",
    "rows_removed",
    "rows_disputed",
    "rate",
    "trouble",
    "started_at",
    "progressed_at",
    "completed_at",
)


class Command(ServiceCommand):
    help = (
        "Shows the replicas that this service keeps: whether each is complete, or how far it is "
        "filled and what it waits for, and how far behind its owner it is at most (but for events "
        "that are parked)."
    )
    examples = ("manage.py shipping replicas", "manage.py shipping replicas --json")

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="as JSON, one object per replica")

    def handle(self, *args: Any, **options: Any) -> None:
        states = {state.aggregate: state for state in ReplicaState.objects.all()}
        behind = freshness.behind()
        if options["json"]:
            found = [_as_json(name, states.get(name), behind) for name in sorted(replications)]
            self.stdout.write(json.dumps(found, default=str))
            return
        self.stdout.write(
            f"{'replica':<24} {'state':<38} {'behind':>9} {'changed':>8} {'removed':>8}  why"
        )
        for name in sorted(replications):
            state = states.get(name)
            if state is None:
                self.stdout.write(f"{name:<24} not looked at yet: is the housekeeper running?")
                continue
            why = state.trouble or state.reason
            at_most = behind.get(state.owner)
            told = "?" if at_most is None else span(at_most)
            self.stdout.write(
                f"{name:<24} {state.told:<38} {told:>9} {state.rows_changed:>8} "
                f"{state.rows_removed:>8}  {why}"
            )


def _as_json(name: str, state: ReplicaState | None, behind: Mapping[str, float]) -> dict[str, Any]:
    about = {"replica": name, "seconds_behind": behind.get(name.partition(".")[0])}
    if state is None:
        return about | {"state": "new", "percent": None}
    return (
        about | {"percent": state.percent} | {column: getattr(state, column) for column in COLUMNS}
    )
