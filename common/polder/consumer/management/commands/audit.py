from __future__ import annotations

import json
import time
from typing import Any

from django.core.management.base import CommandError, CommandParser

from polder.command import ServiceCommand
from polder.partitioning import database_now
from polder.replication.models import Drift, ReplicaState
from polder.replication.replica import replications
from polder.resync import runs
from polder.resync.runs import NotPossible

LOOKS = 0.5  # seconds


class Command(ServiceCommand):
    help = (
        "Compares every row of this service's replicas with its owner's, column by column, makes "
        "good what differs and says what it was. It is a resync that also records as drift what "
        "has been missing or behind for ten minutes: what is younger may still be on its way. "
        "The housekeeper does it by itself with each replica that was not compared for a day.\n"
        "The exit status is 1 when something differed."
    )
    examples = ("manage.py shipping audit", "manage.py shipping audit inventory.product --json")

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("replicas", nargs="*", help="only these, such as inventory.product")
        parser.add_argument("--rate", type=int, help="rows per second, at most")
        parser.add_argument("--json", action="store_true", help="what differed, as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        since = database_now()
        chosen = options["replicas"] or sorted(replications)
        for aggregate in chosen:
            try:
                runs.begin(aggregate, "it is audited", rate=options["rate"], is_audit=True)
            except NotPossible as error:
                raise CommandError(str(error)) from None
        while ReplicaState.objects.filter(pk__in=chosen, state=ReplicaState.State.FILLING).exists():
            time.sleep(LOOKS)
        found = list(
            Drift.objects.filter(aggregate__in=chosen, found_by="audit", found_at__gte=since)
            .order_by("aggregate", "key")
            .values("aggregate", "key", "version", "stored_hash", "event_hash", "repaired_at")
        )
        if options["json"]:
            self.stdout.write(json.dumps(found, default=str))
        for one in [] if options["json"] else found:
            what = "unknown to its owner" if not one["event_hash"] else "differed"
            what = "missing" if not one["version"] else what
            self.stdout.write(f"{one['aggregate']} {one['key']} v{one['version']}: {what}")
        rows = sum(ReplicaState.objects.filter(pk__in=chosen).values_list("rows_done", flat=True))
        told = f"{rows} rows compared, {len(found)} differed and were made good"
        if found:
            raise CommandError(told)
        if not options["json"]:
            self.stdout.write(told)
