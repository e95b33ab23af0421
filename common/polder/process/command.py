"""What the commands of a service (`manage.py <service> <command>`) have in common."""

from __future__ import annotations

import re
import textwrap
from argparse import RawDescriptionHelpFormatter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Literal

from django.core.checks import Tags
from django.core.management.base import (
    BaseCommand,
    CommandError,
    CommandParser,
    DjangoHelpFormatter,
)
from django.db import ProgrammingError
from django.utils.dateparse import parse_datetime

from polder import this_service
from polder.database.partitioning import database_now
from polder.process.starts import STARTS

WIDTH = 100
NOT_MIGRATED = ("42P01", "42703", "42883")  # no such table, column, function
_AGO = re.compile(r"^(\d{1,6})([smhd])$")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class ServiceCommand(BaseCommand):
    """Its `--help` says in `help` what it does, and ends in `examples`: each a whole command line,
    as one would type it.

    It checks what it needs before it runs. What is served (addresses, pages, templates) is checked
    by `web`, which serves it, and by `check`.
    """

    requires_system_checks: tuple[str, ...] | Literal["__all__"] = (STARTS, Tags.models)
    examples: ClassVar[Sequence[str]]

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Raises CommandError, too, where the database is older than the code."""
        try:
            return super().execute(*args, **options)
        except ProgrammingError as error:
            if getattr(error.__cause__, "sqlstate", "") not in NOT_MIGRATED:
                raise
            raise CommandError(
                f"the database is not migrated: {str(error).splitlines()[0]}. Run "
                f"{this_service.command('migrate')} first"
            ) from error

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        epilog = "\n".join(
            [
                "examples:" if len(self.examples) > 1 else "example:",
                *(f"  {example}" for example in self.examples),
            ]
        )
        parser = super().create_parser(
            prog_name, subcommand, epilog=epilog, formatter_class=_Formatter, **kwargs
        )
        parser.description = "\n".join(
            textwrap.fill(paragraph, WIDTH) for paragraph in self.help.split("\n")
        )
        return parser


class _Formatter(RawDescriptionHelpFormatter, DjangoHelpFormatter):
    """Django's, leaving line breaks where they are."""


def moment(option: str, text: str) -> datetime:
    """What somebody said as an option: an ISO 8601 time (in UTC unless it says otherwise), or how
    long ago by the database's clock, which dates what is looked for. Raises CommandError."""
    if match := _AGO.match(text):
        try:
            return database_now() - timedelta(**{_UNITS[match[2]]: int(match[1])})
        except OverflowError:
            return datetime.min.replace(tzinfo=UTC)
    try:
        found = parse_datetime(text)
    except ValueError:
        found = None
    if found is None:
        raise CommandError(
            f"{option} {text!r} is neither a time such as 2026-11-24T08:00Z nor a span such as "
            "30m or 2h"
        )
    return found if found.tzinfo else found.replace(tzinfo=UTC)
