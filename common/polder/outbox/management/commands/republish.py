from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from polder.outbox.republish import published_between, reaches_back_to, republish
from polder.plural import plural
from polder.process.command import ServiceCommand, moment


class Command(ServiceCommand):
    help = (
        "Announces again what this service has published: after the broker has lost its queues, or "
        "a subscriber its database. The events keep their ids, so whoever has one already does "
        "nothing. Declare every service's topology first; the relay does the publishing. "
    )
    examples = (
        "manage.py order republish --since 2h",
        "manage.py order republish --since 2026-11-24T08:00Z --until 2026-11-24T09:00Z",
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--since",
            required=True,
            help="events made since: an ISO 8601 time (in UTC unless it says otherwise), or 90s, "
            "30m, 2h, 7d",
        )
        parser.add_argument(
            "--until", default="0s", help="events made before, said likewise (default: now)"
        )
        parser.add_argument("--dry-run", action="store_true", help="only count them")

    def handle(self, *args: Any, **options: Any) -> None:
        since, until = moment("--since", options["since"]), moment("--until", options["until"])
        if since >= until:
            raise CommandError(
                f"--since {since.isoformat()} is not before --until {until.isoformat()}"
            )
        if since < (oldest := reaches_back_to()):
            since = oldest
            self.stdout.write(
                f"no further back than {oldest.isoformat()}: what is older subscribers may have "
                "forgotten (POLDER_REPUBLISH_WEEKS)"
            )
        total = published_between(since, until)
        if options["dry_run"]:
            self.stdout.write(
                f"{plural(total, 'event', 'events')} published since {since.isoformat()} would be "
                "announced again"
            )
            return
        columns = (
            TextColumn("announcing again"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
        )
        with Progress(*columns, transient=True) as progress:
            bar = progress.add_task("", total=total)
            done = 0
            for count in republish(since, until):
                done += count
                progress.advance(bar, count)
        self.stdout.write(
            f"{plural(done, 'event', 'events')} since {since.isoformat()} "
            f"{'is' if done == 1 else 'are'} unpublished again; the relay takes them to the "
            "broker, the oldest first"
        )
