"""What `make up` and its siblings show: for people at a terminal, and in plain lines for a pipe or a log."""

import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from rich.console import Console, RenderableType
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from .environment import ADMIN_USER, Environment
from .errors import Cancelled

PIPE_WIDTH = 120
STATE_STYLES = {"running": "green", "starting": "yellow", "stopping": "yellow", "waiting": "red", "stopped": "dim"}


class Terminal:
    """Implements `Progress`: each step ticks off with its seconds; at a terminal it also turns while it lasts."""

    def __init__(self) -> None:
        console = Console(highlight=False)
        self._console = console if console.is_terminal else Console(highlight=False, width=PIPE_WIDTH, soft_wrap=True)
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
        self.say(f"\n[bold red]{escape(str(error))}[/bold red]" if self._lively else f"\n{escape(str(error))}")

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
                columns = (TextColumn(" "), SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
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


def address_table(environment: Environment) -> Table:
    """Where everything is, and how to get in. Two columns, so that no password is cut on a narrow terminal."""
    table = Table(show_header=False, box=None, padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for service in environment.services:
        table.add_row(f"{service} API", f"{environment.web_url(service)}/api/docs/")
        table.add_row(f"{service} admin", f"{environment.web_url(service)}/admin/")
    table.add_row("Flower", f"{environment.flower_url}/")
    table.add_row("RabbitMQ management", f"http://{environment.addresses['rabbitmq-management']}/")
    table.add_section()
    table.add_row("user", f"[bold]{ADMIN_USER}[/bold]   (admin, Flower and RabbitMQ alike)")
    table.add_row("password", f"[bold]{environment.admin_password}[/bold]")
    table.add_row("API key", f"Authorization: Api-Key [bold]{environment.api_key}[/bold]")
    return table


def process_table(states: Iterable[Mapping[str, Any]]) -> Table:
    table = Table(box=None, padding=(0, 2))
    for title in ("process", "pid", "state", "since", "restarts"):
        table.add_column(title, justify="right" if title in ("pid", "restarts") else "left")
    for one in states:
        style = STATE_STYLES.get(one["state"], "")
        since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(one["since"]))
        table.add_row(one["name"], str(one["pid"] or "-"), f"[{style}]{one['state']}[/]", since, str(one["restarts"]))
    return table
