from __future__ import annotations

import json
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import transaction
from django.db.models import QuerySet

from polder.outbox import fence
from polder.outbox.models import Fenced
from polder.process.command import ServiceCommand
from polder.visible import visible

COLUMNS = ("aggregate", "key", "known_version", "reported_by", "is_forgotten", "since")


class Command(ServiceCommand):
    help = (
        "Shows what other services know better of this one's aggregates than it does: its past "
        "came back, from a backup or by a failover. "
        "Nothing acts on these until they are healed (`restored`) or accepted.\n"
        "--accept takes the fence away: what this service has is then right, and what it has "
        "forgotten is lost. Others go on showing what they know of a row until its version has "
        "passed theirs: `restored` raises what was accepted."
    )
    examples = (
        "manage.py shipping regressed",
        "manage.py shipping regressed --json",
        "manage.py shipping regressed --accept --key 0198c2a0-0000-7000-8000-000000000000 --by "
        'ada --reason "asked the carrier: it never left"',
        'manage.py order regressed --accept --all --by ada --reason "the customers were called"',
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="as JSON, one object per row")
        parser.add_argument(
            "--accept",
            action="store_true",
            help="take the fence away; needs --by, --reason, and --key or --all",
        )
        parser.add_argument(
            "--key",
            action="append",
            default=[],
            help="the key of an aggregate; may be given several times",
        )
        parser.add_argument("--aggregate", help="only of this kind, such as shipment")
        parser.add_argument("--all", action="store_true", help="every row that there is")
        parser.add_argument("--by", default="", help="who accepts it")
        parser.add_argument("--reason", default="", help="why; kept for good")

    def handle(self, *args: Any, **options: Any) -> None:
        rows = Fenced.objects.filter(lifted_at=None).order_by("aggregate", "key")
        if options["key"]:
            rows = rows.filter(key__in=options["key"])
        if options["aggregate"]:
            rows = rows.filter(aggregate=options["aggregate"])
        if options["accept"]:
            self._accept(rows, options)
        else:
            self._show(rows, as_json=options["json"])

    def _show(self, rows: QuerySet[Fenced], *, as_json: bool) -> None:
        found = list(rows.values(*COLUMNS))
        if as_json:
            self.stdout.write(json.dumps(found, default=str))
            return
        if not found:
            self.stdout.write("Nobody knows anything of this service better than it does.")
            return
        self.stdout.write(
            f"{'aggregate':<14} {'key':<38} {'known':>6} {'by':<12} {'here':<10} since"
        )
        for row in found:
            here = "forgotten" if row["is_forgotten"] else "otherwise"
            since = row["since"].isoformat(timespec="seconds")
            told = (
                f"{row['aggregate']:<14} {row['key']:<38} {row['known_version']:>6} "
                f"{row['reported_by']:<12} {here:<10} {since}"
            )
            self.stdout.write(visible(told))

    def _accept(self, rows: QuerySet[Fenced], options: dict[str, Any]) -> None:
        if not options["by"].strip() or not options["reason"].strip():
            raise CommandError("--accept needs --by and --reason")
        if not options["key"] and not options["all"]:
            raise CommandError("--accept needs --key, or --all for every row")
        if missing := set(options["key"]) - set(rows.values_list("key", flat=True)):
            raise CommandError(
                f"not fenced: {', '.join(sorted(missing))}. Nothing was accepted; without --accept "
                "this shows what is fenced"
            )
        with transaction.atomic():
            accepted = fence.accept(rows, by=options["by"], reason=options["reason"])
        self.stdout.write(
            f"{accepted} accepted: nothing is in the way of what this service does with them now"
        )
