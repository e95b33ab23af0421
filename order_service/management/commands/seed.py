from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "The order service begins empty: its products come from inventory, as events. Example: manage.py order seed"

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write("nothing to seed: products come from inventory, as events")
