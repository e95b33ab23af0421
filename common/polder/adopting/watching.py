"""What a test suite writes: every statement on the model's table with the line of the project that
it came from, and what the guard, which only reports meanwhile, said of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from django.apps import apps
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

import polder
from polder import this_service
from polder.adopting import sources
from polder.adopting.texts import sql_of

VARIABLE = "POLDER_ADOPT"  # the model's label, and the file that is written
GUARD = "polder guard: "
LIBRARY = str(Path(polder.__file__).parent)

Line = tuple[str, int, str]  # file, line, what the guard said


def begin() -> None:
    """In a process of the test suite: watches every connection from now on. Does nothing where
    nobody asked for it."""
    if not (asked := os.environ.get(VARIABLE)):
        return
    label, _, file = asked.partition(":")
    this_service.said()["GUARD"] = "report"
    watch = _Watch(label, Path(file))
    connection_created.connect(watch.connected, weak=False, dispatch_uid="polder.adopting")


def run(model: type[models.Model], command: Sequence[str]) -> tuple[int, list[Line]]:
    """The command's exit status, and a line for each statement that it brought about."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "seen"
        environment = os.environ | {VARIABLE: f"{model._meta.label}:{file}"}
        done = subprocess.run(command, env=environment, check=False)
        return done.returncode, list(_read(file))


def _read(file: Path) -> Iterator[Line]:
    if file.exists():
        for line in file.read_text().splitlines():
            name, number, said = json.loads(line)
            yield name, number, said


class _Watch:
    def __init__(self, label: str, file: Path) -> None:
        self.label, self.file = label, file

    def connected(self, *, connection: BaseDatabaseWrapper, **_: Any) -> None:
        connection.execute_wrappers.append(self.statement)
        if add := getattr(connection.connection, "add_notice_handler", None):
            add(self.notice)

    def statement(
        self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any
    ) -> Any:
        if sql_of(apps.get_model(self.label)).search(str(sql)):
            self._note("")
        return execute(sql, params, many, context)

    def notice(self, diagnostic: Any) -> None:
        """Of the guard; while the statement is under way, or at the commit."""
        said = diagnostic.message_primary or ""
        if said.startswith(GUARD):
            self._note(said.removeprefix(GUARD))

    def _note(self, said: str) -> None:
        name, line = _caller()
        with self.file.open("a") as file:
            file.write(json.dumps([name, line, said]) + "\n")


def _caller() -> tuple[str, int]:
    """The innermost line of the project's own code; "" where there is none, as when a test case
    asks for what is deferred."""
    frame, root = sys._getframe(1), sources.root()
    while frame := frame.f_back:  # type: ignore[assignment]
        path = Path(frame.f_code.co_filename)
        is_ours = path.is_relative_to(root) and not sources.NOT_OURS & set(path.parts)
        if is_ours and not str(path).startswith(LIBRARY) and path.name != "manage.py":
            return str(path.relative_to(root)), frame.f_lineno
    return "", 0
