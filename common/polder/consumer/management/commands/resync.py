from __future__ import annotations

import time
from typing import IO, Any, cast

from django.core.management.base import CommandError, CommandParser
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from polder.process.command import ServiceCommand, moment
from polder.replication.models import UNDER_WAY, ReplicaState
from polder.replication.replica import replications
from polder.resync import runs
from polder.resync.runs import NotPossible

BROKEN_OFF = 130  # as a shell says of Ctrl-C
LOOKS = 0.2  # seconds


class Command(ServiceCommand):
    help = (
        "Fills a replica anew from its owner, while events go on: the housekeepers of both "
        "services do it, page by page over the broker, and this shows how far they are. It may be "
        "broken off (Ctrl-C), and the resync goes on; with none of --all, --ids and --since it is "
        "joined. What differs at the same version is made good and recorded as drift, what the "
        "owner does not know is removed, and what it seems to have forgotten is left alone.\n"
        "Events that wait go first: while there are many, no page is asked for."
    )
    examples = (
        "manage.py shipping resync inventory.product --all",
        "manage.py shipping resync inventory.product --ids p1 p2",
        "manage.py shipping resync inventory.product --since 2h",
        "manage.py shipping resync inventory.product --all --rate 200 --no-wait",
        "manage.py shipping resync inventory.product --pause",
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("replica", help="of which aggregate, such as inventory.product")
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--all", action="store_true", help="compare all of the owner's rows")
        what.add_argument("--ids", nargs="+", help="only the rows of these keys")
        what.add_argument(
            "--since",
            help="only the rows that the owner changed since: a time such as 2026-11-25T08:00Z, or "
            "a span such as 2h",
        )
        what.add_argument("--pause", action="store_true", help="ask for no more pages")
        what.add_argument("--resume", action="store_true", help="go on where it was paused")
        what.add_argument("--cancel", action="store_true", help="end it; what has come stays")
        parser.add_argument(
            "--rate", type=int, help=f"rows per second, at most (default: {runs.RATE})"
        )
        parser.add_argument("--no-wait", action="store_true", help="do not wait for its end")

    def handle(self, *args: Any, **options: Any) -> None:
        aggregate = options["replica"]
        try:
            goes_on = self._act(aggregate, options)
        except NotPossible as error:
            raise CommandError(str(error)) from None
        if goes_on and not options["no_wait"]:
            self._watch(aggregate)
        else:
            self.stdout.write(str(_state(aggregate)))

    def _act(self, aggregate: str, options: dict[str, Any]) -> bool:
        """Raises NotPossible."""
        since = options["since"]
        if options["all"] or options["ids"] or since is not None:
            runs.begin(
                aggregate,
                "asked for",
                keys=options["ids"],
                since=None if since is None else moment("--since", since),
                rate=options["rate"],
            )
        elif options["pause"]:
            runs.pause(aggregate)
            return False
        elif options["cancel"]:
            runs.cancel(aggregate)
            return False
        elif options["resume"]:
            runs.resume(aggregate, options["rate"])
        return True

    def _watch(self, aggregate: str) -> None:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[trouble]}", markup=False),
        )
        console = Console(file=cast("IO[str]", self.stdout))
        try:
            with Progress(*columns, transient=True, console=console) as progress:
                bar = progress.add_task(aggregate, total=None, trouble="")
                while (run := _state(aggregate)).state in UNDER_WAY:
                    progress.update(
                        bar, completed=run.rows_done, total=run.estimate, trouble=run.trouble
                    )
                    time.sleep(LOOKS)
        except KeyboardInterrupt:
            raise CommandError(
                f"{run}; it goes on without this command", returncode=BROKEN_OFF
            ) from None
        self.stdout.write(
            f"{run}; {run.rows_done} rows compared, {run.rows_changed} changed, "
            f"{run.rows_removed} removed"
            + (f", {run.rows_disputed} left: known better here" if run.rows_disputed else "")
        )


def _state(aggregate: str) -> ReplicaState:
    """Raises CommandError."""
    run = ReplicaState.objects.filter(pk=aggregate).first()
    if run is None:
        known = ", ".join(sorted(replications)) or "none"
        raise CommandError(f"nothing was ever filled as {aggregate}; replicas here: {known}")
    return run
