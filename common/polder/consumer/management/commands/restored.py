from __future__ import annotations

import json
import sys
from typing import Any

from django.core.management.base import CommandError, CommandParser
from rich.console import Console

from polder import this_service
from polder.errors.faults import MOMENT, fault_of
from polder.pasts.asking import NoAnswer, subscribers
from polder.pasts.refilling import NotFilled
from polder.pasts.report import Report
from polder.pasts.restoring import PATIENCE, AlreadyRunning, restore
from polder.process.command import ServiceCommand
from polder.replication.replica import replications
from polder.visible import visible

UNDECIDED = 3  # exit status: something is left for an operator


class Command(ServiceCommand):
    help = (
        "Heals this service after its database was restored from a backup, while all services run: "
        "fills its replicas anew from their owners, takes back of its own aggregates what the "
        "copies of its subscribers prove, raises their versions above all that was seen and "
        "announces them, reconciles, and takes the fence away from what is healed. It reports what "
        "was adopted, what was only raised, and what an operator has to decide.\n"
        "It may be broken off anywhere and run again; run twice, it does nothing the second time. "
        f"Exit status {UNDECIDED}: something is left to be decided, by `regressed --accept`."
    )
    examples = (
        "manage.py shipping restored --dry-run",
        "manage.py shipping restored",
        "manage.py shipping restored --json",
        "manage.py order restored --without shipping",
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--dry-run", action="store_true", help="say what would be done, and change nothing"
        )
        parser.add_argument("--json", action="store_true", help="the report as JSON")
        parser.add_argument(
            "--without",
            action="append",
            default=[],
            metavar="SUBSCRIBER",
            help="do not wait for this neighbour, which is away: what it alone knows is not "
            "healed, and the replicas of what it owns stay as they are until it answers; may be "
            "given several times",
        )
        parser.add_argument(
            "--patience",
            type=float,
            default=PATIENCE,
            help=f"seconds to wait for an answer (default: {PATIENCE:.0f})",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        publishers = {replication.publisher for replication in replications.values()}
        neighbours = subscribers() | publishers
        if unknown := set(options["without"]) - neighbours:
            raise CommandError(
                f"no neighbour of {this_service.name()} is called {min(unknown)}; it has: "
                f"{', '.join(sorted(neighbours)) or 'none'}"
            )
        console = Console(file=sys.stderr)
        report = Report(dry_run=options["dry_run"])
        try:
            with console.status("") as status:
                restore(
                    report,
                    without=options["without"],
                    patience=options["patience"],
                    tell=status.update,
                )
        except AlreadyRunning as error:
            raise CommandError(str(error)) from None
        except (Exception, KeyboardInterrupt) as error:
            if not report.is_empty:
                self._show(report, as_json=options["json"])
            if not isinstance(error, NoAnswer | NotFilled) and fault_of(error) not in MOMENT:
                raise
            raise CommandError(
                f"{str(error).strip()}\nWhat was done until then is done; run it again."
            ) from None
        self._show(report, as_json=options["json"])
        if report.undecidable:
            sys.exit(UNDECIDED)

    def _show(self, report: Report, *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps(report.as_json(), default=str))
        else:
            self.stdout.write("\n".join(map(visible, report.lines())))
