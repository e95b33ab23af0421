from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Sequence
from typing import Any

from django.apps import apps
from django.core.management.base import CommandError, CommandParser
from django.db import DatabaseError, models

from polder.adopting import reading, watching
from polder.adopting.merging import merged
from polder.adopting.places import Place
from polder.domain.aggregate import Aggregate, aggregate_name
from polder.outbox.models import GuardFinding
from polder.process.command import ServiceCommand


class Command(ServiceCommand):
    help = (
        "Finds every place that writes a model, and says what to do there instead, before or after "
        "it becomes an aggregate: calls, forms, serializers, views, the admin, SQL, fixtures, "
        "cascades. It reads the project's code and runs none of it. With --run it also watches "
        "what a test suite writes, while the guard only reports, and so finds what no reading "
        "does. What publishes in the same function, or has a comment `# adopt: <why it may stay>` "
        "on its line, is done, unless the guard says otherwise."
        "\nExit status of --check: 1 when a place is left, outside of tests."
    )
    examples = (
        "manage.py order adopt order.Order",
        'manage.py order adopt order.Order --run "pytest -q"',
        "manage.py order adopt order.Order --json",
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("model", help="app_label.Model")
        parser.add_argument("--run", metavar="COMMAND", help="runs the tests, and watches")
        parser.add_argument("--json", action="store_true", help="for programs; all places")
        parser.add_argument("--all", action="store_true", help="also what is done, and tests")
        parser.add_argument("--check", action="store_true", help="fails when a place is left")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            model = apps.get_model(options["model"])
        except (LookupError, ValueError) as error:
            raise CommandError(f"{options['model']}: {error}") from None
        found = reading.places(model)
        if options["run"]:
            status, seen = watching.run(model, shlex.split(options["run"]))
            found = merged(found, seen)
            if status:
                self.stderr.write(self.style.WARNING(f"{options['run']}: exit status {status}"))
        left = [place for place in found if place.is_open and not place.is_test]
        if options["json"]:
            self.stdout.write(json.dumps([place.as_json() for place in found], indent=2))
        else:
            self._show(found if options["all"] else left)
            self._sum_up(model, found, left)
        if options["check"] and left:
            sys.exit(1)

    def _show(self, places: Sequence[Place]) -> None:
        for place in places:
            self.stdout.write(f"{place.file}:{place.line}  {place.kind}")
            self.stdout.write(f"    {place.code}")
            done = f"{_done(place)}; else " if not place.is_open else ""
            self.stdout.write(f"    -> {done}{place.instead}")
            if place.seen:
                self.stdout.write(f"    seen {place.seen} times while it ran")
            for said in place.guard:
                self.stdout.write(f"    the guard: {said}")

    def _sum_up(
        self, model: type[models.Model], found: Sequence[Place], left: Sequence[Place]
    ) -> None:
        tests = sum(place.is_test for place in found)
        done = len(found) - len(left) - tests
        self.stdout.write(
            f"{model._meta.label}: {len(left)} to change, {done} done, {tests} in tests"
            f"{'' if not tests else ' (--all shows them)'}"
        )
        if issubclass(model, Aggregate) and (reported := _reported(model)):
            self.stdout.write(
                f"The guard of this database reported {reported} writes: polder_outbox_guardfinding"
            )


def _done(place: Place) -> str:
    return place.looked_at or "publishes in the same function"


def _reported(model: type[Aggregate]) -> int:
    """0 where there is no database to ask."""
    try:
        return GuardFinding.objects.filter(aggregate=aggregate_name(model)).count()
    except DatabaseError:
        return 0
