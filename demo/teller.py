"""How the story is told: at a terminal wrapped to its width, with something that turns while one waits; plain lines in a pipe."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from rich.markup import escape
from rich.table import Table

from deploy.local.terminal import Terminal
from outside.comparison import Comparison, Difference

INDENT = "  "
LONGEST_VALUE = 300  # characters shown of a value that differs


class Teller(Terminal):
    """Everything is said in lines that stay; nothing but a spinner ever moves, and that at a terminal only."""

    def chapter(self, number: int, of: int, title: str, why: str) -> None:
        self.say(f"\n[bold]{number}/{of}  {escape(title)}[/bold]")
        self.sentence(why)
        self.say()

    def sentence(self, text: str, style: str = "dim") -> None:
        self.say(f"[{style}]{escape(self._wrapped(text))}[/{style}]" if style else escape(self._wrapped(text)))

    def line(self, text: str) -> None:
        self.say(escape(self._wrapped(text, INDENT)))

    def good(self, text: str) -> None:
        self.say(f"{INDENT}[green]{self.done}[/green] {escape(self._wrapped(text, INDENT * 2).lstrip())}")

    def bad(self, text: str) -> None:
        self.say(f"{INDENT}[bold red]{self.failed}[/bold red] {escape(self._wrapped(text, INDENT * 2).lstrip())}")

    def compared(self, comparisons: Sequence[Comparison]) -> None:
        counts = ", ".join(sorted(f"{comparison.copy.replica} {comparison.rows}" for comparison in comparisons))
        rows = sum(comparison.rows for comparison in comparisons)
        self.good(f"{rows} rows compared in {len(comparisons)} replicas, all equal: {counts}")

    def difference(self, difference: Difference) -> None:
        """Both rows, column by column."""
        copy = difference.copy
        self.bad(f"{copy.replica} {difference.key}")
        table = Table(box=None, padding=(0, 2), show_edge=False)
        for title in ("", f"{copy.owner} has", f"{copy.subscriber}'s replica has", ""):
            table.add_column(title, overflow="fold")
        for place, column in enumerate(copy.columns):
            owned, kept = (_shown(row[place]) if row else "no row" for row in (difference.owned, difference.kept))
            table.add_row(column, escape(owned), escape(kept), "" if owned == kept else "[red]differs[/red]")
        self.say(table)

    def _wrapped(self, text: str, indent: str = INDENT) -> str:
        if not self.is_terminal:
            return indent + text  # whoever reads it from a file wraps it as he likes
        return textwrap.fill(text, self.width - 1, initial_indent=indent, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def _shown(value: object) -> str:
    text = str(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}..."
