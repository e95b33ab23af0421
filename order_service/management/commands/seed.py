from __future__ import annotations

from typing import Any

from polder.process.command import ServiceCommand


class Command(ServiceCommand):
    help = "The order service begins empty: its products come from inventory, as events."
    examples = ("manage.py order seed",)

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write("nothing to seed: products come from inventory, as events")
