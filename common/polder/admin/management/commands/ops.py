from __future__ import annotations

import getpass
import json
import os
from argparse import SUPPRESS
from collections.abc import Callable, Mapping, Sequence
from typing import IO, Any, cast
from uuid import uuid4

from django.core.management import call_command
from django.core.management.base import CommandError, CommandParser
from django.db import DatabaseError
from django.utils import timezone
from rich.console import Console
from rich.table import Table

from polder.admin.audit import HELD
from polder.admin.many import MANY, STEPS, Asked, begin_many, step
from polder.admin.standing import applied, queues, wrong_first
from polder.consumer.samples import series
from polder.errors.faults import Fault, fault_of
from polder.inbox.groups import groups
from polder.inbox.models import BulkOperation
from polder.observability.processes import processes
from polder.process.command import ServiceCommand
from polder.resync.runs import NotPossible
from polder.span import span
from polder.visible import visible

Rows = Sequence[Mapping[str, Any]]


class Command(ServiceCommand):
    help = (
        "What the admin shows and does, from a terminal: how the service stands, its lag, what is "
        "parked and why, its replicas, and the timeline of a key; and all of a cause fetched, "
        "redriven or discarded, in the background, with a reason."
    )
    examples = (
        "manage.py order ops overview",
        "manage.py order ops parked --json",
        'manage.py order ops redrive --cause ValueError --reason "fixed in 1.2"',
        'manage.py order ops pause 7 --reason "too fast"',
        "manage.py order ops timeline 0190a6e0-0000-7000-8000-000000000000",
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="for programs")
        verbs = parser.add_subparsers(dest="verb", required=True)
        self._verb(verbs, "overview", "what is wrong, the processes, queues and publishers")
        self._verb(verbs, "lag", "p50 and p95 of each publisher, minute by minute")
        self._verb(verbs, "parked", "what is parked, by cause")
        self._verb(verbs, "operations", "what was asked for of many, and how far it is")
        self._verb(verbs, "replicas", "how complete they are")
        timeline = self._verb(verbs, "timeline", "what happened to a key, across the services")
        timeline.add_argument("key")
        for name, many in MANY.items():
            verb = self._verb(verbs, name, f"{many.label.lower()}: of a cause")
            verb.add_argument("--queue", help="such as order.from.inventory")
            verb.add_argument("--type", help="of the event; an empty one: of none")
            verb.add_argument("--cause", help="as `ops parked` tells them")
            verb.add_argument("--reason", required=True, help="why; it is kept with your name")
            self._operator(verb)
        for name in STEPS:
            verb = self._verb(verbs, name, f"{name} one of the operations")
            verb.add_argument("id", type=int)
            verb.add_argument("--reason", required=True, help="why; it is kept with your name")
            self._operator(verb)

    def _operator(self, verb: CommandParser) -> None:
        verb.add_argument("--operator", default=_who(), help="who you are")

    def _verb(self, verbs: Any, name: str, text: str) -> CommandParser:
        verb: CommandParser = verbs.add_parser(name, help=text)
        # after the verb as well; what stands before it counts where this one says nothing
        verb.add_argument("--json", action="store_true", default=SUPPRESS, help="JSON")
        return verb

    def handle(self, *args: Any, verb: str, **options: Any) -> None:
        if verb in (*MANY, *STEPS):
            self._do(verb, options)
        elif verb in ("replicas", "timeline"):
            key = [options["key"]] if verb == "timeline" else []
            call_command(verb, *key, json=options["json"], stdout=self.stdout, stderr=self.stderr)
        else:
            self._tell(_TABLES[verb](), as_json=options["json"])

    def _do(self, verb: str, options: Mapping[str, Any]) -> None:
        if not options["reason"].strip():
            raise CommandError("--reason is empty: say why")
        try:
            return self._begin(verb, options) if verb in MANY else self._step(verb, options)
        except DatabaseError as error:
            if fault_of(error) is not Fault.LOCKED:
                raise
        raise CommandError(HELD)

    def _begin(self, verb: str, options: Mapping[str, Any]) -> None:
        given = {"queue": "queue", "type": "type", "cause": "reason"}
        chosen = {name: options[one] for one, name in given.items() if options[one] is not None}
        if not chosen:
            raise CommandError("say which: --queue, --type or --cause")
        asked = Asked(verb, chosen, options["reason"][:500], uuid4())
        try:
            told = begin_many(options["operator"][:150], asked)
        except NotPossible as error:
            raise CommandError(str(error)) from None
        self.stdout.write(json.dumps({"told": told}) if options["json"] else told)

    def _step(self, verb: str, options: Mapping[str, Any]) -> None:
        key: int = options["id"]
        one = BulkOperation.objects.filter(pk=key).first()
        if one is None:
            raise CommandError(f"there is no operation {key}: see `ops operations`")
        if error := step(options["operator"][:150], verb, one, options["reason"]):
            raise CommandError(f"operation {key}: {error}")
        self._tell({"operations": _operations()}, as_json=options["json"])

    def _tell(self, tables: Mapping[str, Rows], *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps(tables, default=str, indent=2))
            return
        console = Console(
            file=cast("IO[str]", self.stdout),
            width=None if self.stdout.isatty() else 140,
            markup=False,
        )
        for title, rows in tables.items():
            # a line of its own: a table's title wraps where its columns are narrow
            console.print(title, style="bold")
            if not rows:
                console.print(" none")
                continue
            table = Table(*rows[0], box=None)
            for row in rows:
                table.add_row(*(_text(value) for value in row.values()))
            console.print(table)


def _who() -> str:
    """Whoever types; a container's user need not have a name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # the latter since Python 3.13
        return f"user {os.getuid()}"


def _text(value: Any) -> str:
    if hasattr(value, "astimezone"):
        return f"{span(timezone.now() - value)} ago"
    if isinstance(value, Mapping):
        return ", ".join(f"{_text(one)} {name}" for name, one in value.items())
    return "" if value is None else visible(str(value))


def _overview() -> dict[str, Rows]:
    return {
        "not as it should be": wrong_first(),
        "processes": [one._asdict() for one in processes()],
        "queues": list(queues()),
        "publishers": list(applied()),
    }


def _lag() -> dict[str, Rows]:
    p95 = {of: dict(points) for of, points in series("lag p95").items()}
    return {
        f"lag of {of}": [
            {"at": at, "p50": f"{value:.3f} s", "p95": f"{p95.get(of, {}).get(at, value):.3f} s"}
            for at, value in points
        ]
        for of, points in series("lag p50").items()
    } or {"lag": []}


def _parked() -> dict[str, Rows]:
    return {"parked, by cause": [one._asdict() for one in groups()]}


def _operations() -> Rows:
    names = ("id", "action", "told", "state", "done", "total", "outcomes", "trouble", "operator")
    return [
        {name: getattr(one, name) for name in names} | {"rate": f"{one.rate:.0f}/s"}
        for one in BulkOperation.objects.all()[:20]
    ]


_TABLES: Mapping[str, Callable[[], Mapping[str, Rows]]] = {
    "overview": _overview,
    "lag": _lag,
    "parked": _parked,
    "operations": lambda: {"operations": _operations()},
}
