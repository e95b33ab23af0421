from __future__ import annotations

import json
from typing import Any

from django.core.management.base import CommandParser

from polder.command import ServiceCommand
from polder.replication.models import ReplicaState
from polder.replication.replica import replications

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
        "filled and what it waits for."
    )
    examples = ("manage.py shipping replicas", "manage.py shipping replicas --json")

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="as JSON, one object per replica")

    def handle(self, *args: Any, **options: Any) -> None:
        states = {state.aggregate: state for state in ReplicaState.objects.all()}
        if options["json"]:
            found = [_as_json(name, states.get(name)) for name in sorted(replications)]
            self.stdout.write(json.dumps(found, default=str))
            return
        self.stdout.write(f"{'replica':<24} {'state':<38} {'changed':>8} {'removed':>8}  why")
        for name in sorted(replications):
            state = states.get(name)
            if state is None:
                self.stdout.write(f"{name:<24} not looked at yet: is the housekeeper running?")
                continue
            why = state.trouble or state.reason
            self.stdout.write(
                f"{name:<24} {state.told:<38} {state.rows_changed:>8} {state.rows_removed:>8}  "
                f"{why}"
            )


def _as_json(name: str, state: ReplicaState | None) -> dict[str, Any]:
    if state is None:
        return {"replica": name, "state": "new", "percent": None}
    return {"replica": name, "percent": state.percent} | {
        column: getattr(state, column) for column in COLUMNS
    }
