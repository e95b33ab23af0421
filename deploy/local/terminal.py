"""What `make up` and its siblings show: for people at a terminal, and in plain lines for a pipe or
a log."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress

from rich.console import Console, RenderableType
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from .errors import Cancelled
from .services import SERVICES
from .stack import ProcessView

PIPE_WIDTH = 120
STATE_STYLES = {
    "running": "green",
    "starting": "yellow",
    "stopping": "yellow",
    "waiting": "red",
    "stopped": "dim",
}


class Terminal:
    """Implements `Progress`: each step ticks off with its seconds; at a terminal it also turns
    while it lasts."""

    def __init__(self) -> None:
        console = Console(highlight=False)
        self._console = (
            console
            if console.is_terminal
            else Console(highlight=False, width=PIPE_WIDTH, soft_wrap=True)
        )
        self._lively = console.is_terminal and not console.is_dumb_terminal
        unicode = (self._console.encoding or "").lower().startswith("utf")
        self.done, self.failed, self.arrow = ("✓", "✗", "→") if unicode else ("ok", "FAILED", "->")
        self._lock = threading.Lock()
        self._spinner: Progress | None = None
        self._under_way = 0

    @property
    def is_terminal(self) -> bool:
        return self._console.is_terminal

    @property
    def width(self) -> int:
        return self._console.width

    def say(self, text: RenderableType = "") -> None:
        # The terminal may have been closed: that must not keep us from stopping what we started.
        with suppress(OSError):
            self._console.print(text)
            self._console.file.flush()

    def note(self, text: str) -> None:
        self.say(f"  [dim]{escape(text)}[/dim]")

    def error(self, error: object) -> None:
        self.say(
            f"\n[bold red]{escape(str(error))}[/bold red]"
            if self._lively
            else f"\n{escape(str(error))}"
        )

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        begun = time.monotonic()
        outcome = f"[red]{self.failed}[/red]"
        try:
            with self.turning(title):
                yield
            outcome = f"[green]{self.done}[/green]"
        except Cancelled:
            outcome = "[dim]-[/dim]"
            raise
        finally:
            self.say(f"  {outcome} {escape(title):<40} {time.monotonic() - begun:6.1f} s")

    @contextmanager
    def turning(self, title: str) -> Iterator[None]:
        """At a terminal something turns while the block lasts; elsewhere nothing shows."""
        if not self._lively:
            yield
            return
        with self._lock:
            if self._spinner is None:
                columns = (
                    TextColumn(" "),
                    SpinnerColumn(),
                    TextColumn("{task.description}"),
                    TimeElapsedColumn(),
                )
                self._spinner = Progress(*columns, console=self._console, transient=True)
                self._spinner.start()
            spinner = self._spinner
            task = spinner.add_task(escape(title))
            self._under_way += 1
        try:
            yield
        finally:
            with self._lock:
                spinner.remove_task(task)
                self._under_way -= 1
                if self._under_way == 0:
                    spinner.stop()
                    self._spinner = None


def address_table(stack: Mapping[str, str]) -> Table:
    """Where everything is, and how to get in, as stack.env has it. Two columns, so that no password
    is cut on a narrow terminal."""
    table = Table(show_header=False, box=None, padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for service in SERVICES:
        address = stack[f"{service.upper()}_URL"]
        table.add_row(f"{service} API", f"{address}/api/docs/")
        table.add_row(f"{service} admin", f"{address}/admin/")
    table.add_row("Flower", f"{stack['FLOWER_URL']}/")
    table.add_row(
        "RabbitMQ management", f"http://{stack['RABBITMQ_MANAGEMENT_URL'].rpartition('@')[2]}/"
    )
    table.add_section()
    table.add_row(
        "user",
        f"[bold]{stack['ADMIN_USER']}[/bold]   (admin, Flower and RabbitMQ alike; a password for "
        "each)",
    )
    table.add_row("admin password", f"[bold]{escape(stack['ADMIN_PASSWORD'])}[/bold]")
    table.add_row("Flower password", escape(stack["FLOWER_PASSWORD"]))
    table.add_row("RabbitMQ password", escape(stack["RABBITMQ_PASSWORD"]))
    table.add_row("API key", f"Authorization: Api-Key [bold]{escape(stack['API_KEY'])}[/bold]")
    return table


def process_table(processes: Iterable[ProcessView]) -> Table:
    table = Table(box=None, padding=(0, 2))
    for title in ("process", "pid", "state", "since", "restarts"):
        table.add_column(title, justify="right" if title in ("pid", "restarts") else "left")
    for one in processes:
        style = STATE_STYLES.get(one.state, "")
        since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(one.since))
        table.add_row(
            one.name, str(one.pid or "-"), f"[{style}]{one.state}[/]", since, str(one.restarts)
        )
    return table
