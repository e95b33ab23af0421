"""`--nice`: how far a process gives way to others where the processor is short."""

from __future__ import annotations

from django.core.management.base import CommandParser


def add_nice(parser: CommandParser, why: str) -> None:
    """The option, as nice(1) has it; whoever reads it calls `os.nice` before any other process is
    begun. `why`: what it is good for."""
    parser.add_argument(
        "--nice",
        type=int,
        choices=range(20),
        default=0,
        metavar="0..19",
        help="how far it gives way to other processes where the processor is short, as nice(1) "
        f"has it: {why} (default: 0)",
    )
