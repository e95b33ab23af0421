from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db.models import Q, Sum

from polder import this_service
from polder.database.partitioning import database_now
from polder.process.command import ServiceCommand
from polder.replication.models import UNDER_WAY, Drift, DriftKind, FoundBy, ReplicaState
from polder.replication.replica import replications
from polder.resync import runs
from polder.resync.runs import NotPossible
from polder.visible import visible

LOOKS = 0.5  # seconds
COLUMNS = (
    *("aggregate", "key", "kind", "version", "before", "after"),
    *("found_by", "found_at", "repaired_at"),
)


class Command(ServiceCommand):
    help = (
        "Compares this service's replicas with their owners', makes good what differs and says "
        "what it was. A quick audit compares digests of keys and versions, and finds rows that "
        "are missing, extra or behind; a deep one compares the content of every row, and finds "
        "what somebody edited on either side. What is on its way is no difference: the audit "
        "waits until that has been handled here, for ten minutes at most; what it waits for is "
        "said on stderr.\n"
        "The housekeeper does both by itself, quick ones each hour and deep ones each day. The "
        "exit status is 1 when something differed, or was not compared to its end."
    )
    examples = (
        "manage.py shipping audit",
        "manage.py shipping audit inventory.product --deep",
        "manage.py shipping audit --deep --dry-run --json",
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("replicas", nargs="*", help="only these, such as inventory.product")
        parser.add_argument("--deep", action="store_true", help="compare the content as well")
        parser.add_argument(
            "--dry-run", action="store_true", help="record and say what differs, change nothing"
        )
        parser.add_argument("--rate", type=int, help="rows per second, at most")
        parser.add_argument("--json", action="store_true", help="what differed, as JSON")
        parser.add_argument("--no-wait", action="store_true", help="begin, and do not wait")

    def handle(self, *args: Any, **options: Any) -> None:
        since = database_now()
        chosen = options["replicas"] or sorted(replications)
        if not chosen:
            self.stdout.write(
                f"{this_service.name()} keeps no replica: there is nothing to compare"
            )
            return
        for aggregate in chosen:
            try:
                runs.audit(
                    aggregate,
                    "it is audited",
                    deep=options["deep"],
                    rate=options["rate"],
                    dry=options["dry_run"],
                )
            except NotPossible as error:
                raise CommandError(str(error)) from None
        if options["no_wait"]:
            return
        self._wait(chosen)
        found = _found(chosen, since)
        if options["json"]:
            self.stdout.write(json.dumps(found, default=str))
        for one in [] if options["json"] else found:
            kind = DriftKind(one["kind"]).label
            told = f"{one['aggregate']} {one['key']} v{one['version']}: {kind}"
            self.stdout.write(visible(told))
        told = _told(chosen, found, dry=options["dry_run"])
        if broken_off := _broken_off(chosen, since):
            raise CommandError(f"{', '.join(broken_off)} was not compared to its end; {told}")
        if found:
            raise CommandError(told)
        if not options["json"]:
            self.stdout.write(told)

    def _wait(self, chosen: Sequence[str]) -> None:
        """Until they have ended; says what they wait for."""
        said = ""
        while under_way := ReplicaState.objects.filter(pk__in=chosen, state__in=UNDER_WAY):
            told = "; ".join(f"{one.pk}: {one.trouble}" for one in under_way if one.trouble)
            if told and told != said:
                self.stderr.write(told)
            said = told
            time.sleep(LOOKS)


def _broken_off(chosen: Sequence[str], since: datetime) -> list[str]:
    """Those of which the audit was paused, cancelled, or made way for a resync."""
    ended = ReplicaState.objects.filter(pk__in=chosen, is_audit=True, audited_at__gte=since)
    return sorted(set(chosen).difference(ended.values_list("pk", flat=True)))


def _found(chosen: Sequence[str], since: datetime) -> list[dict[str, Any]]:
    new = Q(found_at__gte=since, found_by__in=(FoundBy.QUICK, FoundBy.DEEP))
    still = Q(seen_at__gte=since, repaired_at=None)
    records = Drift.objects.filter(new | still, aggregate__in=chosen)
    return list(records.order_by("aggregate", "key").values(*COLUMNS))


def _told(chosen: Sequence[str], found: Sequence[Mapping[str, Any]], *, dry: bool) -> str:
    sums = ReplicaState.objects.filter(pk__in=chosen).aggregate(
        rows=Sum("rows_done"), disputed=Sum("rows_disputed"), undecided=Sum("rows_undecided")
    )
    told = f"{sums['rows']} rows compared, {len(found)} differed"
    refused = sum(one["repaired_at"] is None for one in found)
    if found and dry:
        told += ": left as they are"
    elif refused:
        told += f": {len(found) - refused} made good, {refused} cannot be taken"
    elif found:
        told += ": made good"
    if sums["disputed"]:
        told += f", {sums['disputed']} are left: known better here"
    if sums["undecided"]:
        told += f", {sums['undecided']} are behind and may be on their way"
    return told
