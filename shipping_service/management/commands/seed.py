from __future__ import annotations

from typing import Any

from polder.process.command import ServiceCommand


class Command(ServiceCommand):
    help = "The shipping service begins empty: what it ships comes from the others, as events."
    examples = ("manage.py shipping seed",)

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write("nothing to seed: orders and products come from the others, as events")
