from __future__ import annotations

import random
import time
from typing import Any

from django.core.management.base import CommandError
from django.core.management.commands.migrate import Command as Migrate
from django.db import OperationalError

from polder.process.command import ServiceCommand

LOCK_NOT_AVAILABLE = "55P03"
PATIENCE = 120.0  # seconds


class Command(ServiceCommand, Migrate):
    """Django's, with patience: a table that is in use is asked for again and again, for a moment
    each time.

    Whoever comes while it waits for a table's lock waits behind it. So it gives up at once
    (`polder.database.session`), lets them go first, and goes on with the migration that it had come
    to.
    """

    help = (
        "Brings the database's schema to what this version needs. May run while everything else "
        "does."
    )
    examples = ("manage.py order migrate", "manage.py order migrate --plan")

    def execute(self, *args: Any, **options: Any) -> str | None:
        """What a migration meets is not that somebody forgot to migrate."""
        return Migrate.execute(self, *args, **options)

    def handle(self, *args: Any, **options: Any) -> None:
        give_up = time.monotonic() + PATIENCE
        while True:
            try:
                super().handle(*args, **options)
            except OperationalError as error:
                if getattr(error.__cause__, "sqlstate", None) != LOCK_NOT_AVAILABLE:
                    raise
                if time.monotonic() > give_up:
                    raise CommandError(
                        f"A table has been in use for {PATIENCE:.0f} s (a backup, a report?); "
                        "what could be migrated is. "
                        "pg_stat_activity tells by whom; run this again afterwards."
                    ) from error
                self.stdout.write("  a table is in use; tried again in a moment")
                time.sleep(random.uniform(0.5, 2.0))  # noqa: S311  (no secret)
            else:
                return
