from __future__ import annotations

import time
from collections import Counter
from typing import IO, Any, cast
from uuid import UUID

from django.core.management.base import CommandError, CommandParser
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from polder.inbox.batch_errors import ConsumerHalted, TransientFailure
from polder.inbox.models import Redriven
from polder.inbox.redrive_many import Chosen, redrive_chosen
from polder.plural import plural
from polder.process.command import ServiceCommand, moment
from polder.visible import visible

BROKEN_OFF = 130  # as a shell says of Ctrl-C


class Command(ServiceCommand):
    help = (
        "Applies parked messages once more, the oldest first, in batches that are committed one by "
        "one. What fails again stays parked with the new reason. May be broken off (Ctrl-C) and "
        "run again, and beside another one. Every option narrows the choice; the exit status is 1 "
        "when something stays parked. "
    )
    examples = (
        "manage.py order redrive --reason ValueError --since 2h",
        "manage.py order redrive --publisher inventory --type StockChanged --dry-run",
        "manage.py order redrive --all",
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--reason",
            action="append",
            default=[],
            help="parked for this reason; may be said several times",
        )
        parser.add_argument(
            "--type",
            action="append",
            default=[],
            help="events of this type; may be said several times",
        )
        parser.add_argument(
            "--publisher",
            action="append",
            default=[],
            help="by this publisher; may be said several times",
        )
        parser.add_argument(
            "--since",
            help="parked, or seen again, since: an ISO 8601 time (in UTC unless it says "
            "otherwise), or 90s, 30m, 2h, 7d",
        )
        parser.add_argument(
            "--ids",
            nargs="+",
            default=[],
            metavar="ID",
            help="these: numbers of parked messages, or ids of events",
        )
        parser.add_argument("--all", action="store_true", help="everything that is parked")
        parser.add_argument("--dry-run", action="store_true", help="only say what would be tried")

    def handle(self, *args: Any, **options: Any) -> None:
        chosen = _chosen(options)
        console = Console(
            file=cast("IO[str]", self.stdout),
            width=None if self.stdout.isatty() else 120,
            markup=False,
        )
        causes = chosen.causes()
        total = sum(number for *_, number in causes)
        if options["dry_run"] or not total:
            console.print(
                _table(("queue", "type", "reason", "number"), causes),
                f"{plural(total, 'parked message', 'parked messages')} would be applied again",
            )
            return
        ended, why = self._redrive(chosen, total)
        console.print(
            _table(
                ("outcome", "number"),
                [(Redriven(outcome).label, number) for outcome, number in sorted(ended.items())],
            )
        )
        if why == "broken off":
            console.print("broken off: what is told above is done; run it again for the rest")
            raise SystemExit(BROKEN_OFF)
        if why:
            raise CommandError(
                f"stopped: {why}. What is told above is done; run it again for the rest"
            )
        if failed := ended[Redriven.FAILED]:
            raise CommandError(f"{failed} of {total} stay parked, each with its new reason")

    def _redrive(self, chosen: Chosen, total: int) -> tuple[Counter[str], str]:
        """How they ended, and what stopped it, if anything did."""
        ended: Counter[str] = Counter()
        columns = (
            TextColumn("redriving"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]:,.0f}/s"),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
            bar = progress.add_task("", total=total, rate=0.0)
            begun = time.monotonic()
            try:
                for counted in redrive_chosen(chosen):
                    ended += counted
                    _advance(progress, bar, ended.total(), begun)
            except KeyboardInterrupt:
                return ended, "broken off"
            except (ConsumerHalted, TransientFailure) as error:
                return ended, str(error)
        return ended, ""


def _advance(progress: Progress, bar: TaskID, done: int, begun: float) -> None:
    progress.update(bar, completed=done, rate=done / max(0.001, time.monotonic() - begun))


def _table(columns: tuple[str, ...], rows: list[Any]) -> Table:
    table = Table(*columns, box=None)
    for *texts, number in rows:
        table.add_row(*(visible(str(text)) for text in texts), f"{number:,}")
    return table


def _chosen(options: dict[str, Any]) -> Chosen:
    rows, events = _ids(options["ids"])
    since = moment("--since", options["since"]) if options["since"] else None
    chosen = Chosen(options["reason"], options["type"], options["publisher"], since, rows, events)
    if options["all"] == (chosen != Chosen([], [], [], None, [], [])):
        raise CommandError(
            "say which: --reason, --type, --publisher, --since or --ids, or --all and none of these"
        )
    return chosen


def _ids(texts: list[str]) -> tuple[list[int], list[UUID]]:
    rows, events = [], []
    for text in texts:
        try:
            if text.isascii() and text.isdigit() and len(text) < 19:
                rows.append(int(text))
            else:
                events.append(UUID(text))
        except ValueError:
            raise CommandError(
                f"--ids {text!r} is neither the number of a parked message nor the id of an event"
            ) from None
    return rows, events
