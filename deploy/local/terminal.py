"""What `make up` and its siblings show: for people at a terminal, and in plain lines for a pipe or
a log."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from rich.console import Console, RenderableType
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from .errors import Cancelled
from .run_directory import variables_of
from .services import SERVICES
from .supervisord import ProcessView

PIPE_WIDTH = 120
STATE_STYLES = {
    "running": "green",
    "starting": "yellow",
    "stopping": "yellow",
    "waiting": "red",
    "stopped": "dim",
}


class Terminal:
    """Each step ticks off with its seconds; at a terminal it also turns while it lasts."""

    def __init__(self) -> None:
        console = Console(highlight=False)
        self._lively = console.is_terminal and not console.is_dumb_terminal
        if not console.is_terminal:
            console = Console(highlight=False, width=PIPE_WIDTH, soft_wrap=True)
        self._console = console
        unicode = (console.encoding or "").lower().startswith("utf")
        self.done, self.failed, self.arrow = ("✓", "✗", "→") if unicode else ("ok", "FAILED", "->")
        columns = TextColumn(" "), SpinnerColumn(), TextColumn("{task.description}")
        self._spinner = Progress(*columns, TimeElapsedColumn(), console=console, transient=True)
        self._lock = threading.Lock()

    def say(self, text: RenderableType = "") -> None:
        # The terminal may have been closed: that must not keep us from stopping what we started.
        with suppress(OSError):
            self._console.print(text)
            self._console.file.flush()

    def error(self, error: object) -> None:
        text = escape(str(error))
        self.say(f"\n[bold red]{text}[/bold red]" if self._lively else f"\n{text}")

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        begun, outcome = time.monotonic(), f"[red]{self.failed}[/red]"
        try:
            with self._turning(title):
                yield
            outcome = f"[green]{self.done}[/green]"
        except Cancelled:
            outcome = "[dim]-[/dim]"
            raise
        finally:
            self.say(f"  {outcome} {escape(title):<40} {time.monotonic() - begun:6.1f} s")

    @contextmanager
    def _turning(self, title: str) -> Iterator[None]:
        if not self._lively:
            yield
            return
        with self._lock:
            self._spinner.start()
            task = self._spinner.add_task(escape(title))
        try:
            yield
        finally:
            with self._lock:
                self._spinner.remove_task(task)
                if not self._spinner.tasks:
                    self._spinner.stop()

    def addresses(self, stack_env: Path) -> None:
        """Where everything is, and how to get in. Two columns, so that no password is cut on a
        narrow terminal."""
        stack = {name: escape(value) for name, value in variables_of(stack_env).items()}
        rows = {}
        for service in SERVICES:
            address = stack[f"{service.upper()}_URL"]
            rows[f"{service} API"] = f"{address}/api/docs/"
            rows[f"{service} admin"] = f"{address}/admin/"
        rows |= {
            "Flower": f"{stack['FLOWER_URL']}/",
            "RabbitMQ management": f"http://{stack['RABBITMQ_MANAGEMENT_URL'].split('@')[-1]}/",
            "user": f"[bold]{stack['ADMIN_USER']}[/bold]   (admin, Flower and RabbitMQ alike; a "
            "password for each)",
            "admin password": f"[bold]{stack['ADMIN_PASSWORD']}[/bold]",
            "Flower password": stack["FLOWER_PASSWORD"],
            "RabbitMQ password": stack["RABBITMQ_PASSWORD"],
            "API key": f"Authorization: Api-Key [bold]{stack['API_KEY']}[/bold]",
        }
        table = Table(show_header=False, box=None, padding=(0, 2))
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        for row in rows.items():
            table.add_row(*row)
        self.say()
        self.say(table)
        self.say(f"\n  All of it for scripts: {stack_env}")

    def processes(self, processes: Iterable[ProcessView]) -> None:
        table = Table(box=None, padding=(0, 2))
        for title in ("process", "pid", "state", "since", "restarts"):
            table.add_column(title, justify="right" if title in ("pid", "restarts") else "left")
        for one in processes:
            state = f"[{STATE_STYLES[one.state]}]{one.state}[/]"
            since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(one.since))
            table.add_row(one.name, str(one.pid or "-"), state, since, str(one.restarts))
        self.say(table)
