from __future__ import annotations

import json
from typing import Any

from django.core.management.base import CommandError, CommandParser

from polder.observability.timeline.find import found_by
from polder.observability.timeline.lines import lines_of
from polder.observability.timeline.peers import whole_story
from polder.process.command import ServiceCommand
from polder.visible import visible


class Command(ServiceCommand):
    help = (
        "What happened to an order, a product or any other key, in this service and in those that "
        "it may ask: each event with when it was committed, published, received and applied, what "
        "it led to, what is missing, and what is waited for.\n"
        "Services that do not answer within a second are named."
    )
    examples = (
        "manage.py order timeline 0190a6e0-0000-7000-8000-000000000000",
        "manage.py inventory timeline p1 --here",
        "manage.py order timeline p1 --json",
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "key", help="the id of an order, of a product; of an event or a request"
        )
        parser.add_argument("--here", action="store_true", help="ask no other service")
        parser.add_argument("--json", action="store_true", help="for programs")

    def handle(self, *args: Any, **options: Any) -> None:
        key: str = options["key"]
        if not 0 < len(key) <= 64:
            raise CommandError("a key has 1 to 64 characters")
        keys = sorted({found.key for found in found_by(key)} - {key})
        if len(keys) > 1:
            raise CommandError(f"{key} belongs to {', '.join(keys)}: say which", returncode=2)
        if keys:
            self.stderr.write(f"{key} belongs to {keys[0]}")
            [key] = keys
        story = whole_story(key, here_only=options["here"])
        if options["json"]:
            shown = story.model_dump(mode="json", by_alias=True)
            self.stdout.write(json.dumps(shown, indent=2))
        for line in () if options["json"] else lines_of(story):
            self.stdout.write(visible(line))
        if story.is_empty:
            raise CommandError(f"nothing is known of {key}")
