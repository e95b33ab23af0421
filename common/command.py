"""What the commands of a service (`manage.py <service> <command>`) have in common."""

from __future__ import annotations

import textwrap
from argparse import RawDescriptionHelpFormatter
from collections.abc import Sequence
from typing import Any, ClassVar

from django.core.management.base import BaseCommand, CommandParser, DjangoHelpFormatter

WIDTH = 100


class ServiceCommand(BaseCommand):
    """Its `--help` says in `help` what it does, and ends in `examples`: each a whole command line, as one would type it."""

    examples: ClassVar[Sequence[str]]

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        epilog = "\n".join(["examples:" if len(self.examples) > 1 else "example:", *(f"  {example}" for example in self.examples)])
        parser = super().create_parser(prog_name, subcommand, epilog=epilog, formatter_class=_Formatter, **kwargs)
        parser.description = "\n".join(textwrap.fill(paragraph, WIDTH) for paragraph in self.help.split("\n"))
        return parser


class _Formatter(RawDescriptionHelpFormatter, DjangoHelpFormatter):
    """Django's, leaving line breaks where they are."""
