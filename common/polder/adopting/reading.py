"""All places, by reading the code. What is decided while it runs (`getattr(row, method)()`, a model
that a function gets as an argument), and rows without a type in a file that does not name the
model, only a test run shows."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path

from django.db import models

from polder.adopting import sources
from polder.adopting.calls import calls, publishing
from polder.adopting.declarations import declarations
from polder.adopting.known import known
from polder.adopting.names import Names
from polder.adopting.places import MARK, Kind, Place
from polder.adopting.texts import in_fixture, in_sql, statements

Found = Iterator[Place]


def places(model: type[models.Model]) -> list[Place]:
    """In the order of files and lines."""
    found = [*_cascades(model)]
    files = [*_read(model)]
    for_it = known((names, tree) for _, _, names, tree in files)
    for path, text, names, tree in files:
        names.known = for_it
        found += _in_code(path, text, names, tree)
    for path in sources.files(".sql"):
        text = path.read_text(encoding="utf-8", errors="replace")
        lines = text.splitlines()
        found += [_place(path, line, Kind.SQL, lines[line - 1]) for line in in_sql(model, text)]
    for path in sources.files(".json"):
        if in_fixture(model, path):
            found.append(_place(path, 1, Kind.FIXTURE, path.name))
    return sorted(found, key=lambda place: (place.is_test, place.file, place.line))


def _read(model: type[models.Model]) -> Iterator[tuple[Path, str, Names, ast.Module]]:
    for path in sources.files(".py"):
        text = path.read_text(encoding="utf-8", errors="replace")
        try:
            tree = ast.parse(text)
        except (SyntaxError, ValueError):
            continue
        yield path, text, Names.of(model, sources.module_of(path), tree), tree


def _in_code(path: Path, text: str, names: Names, tree: ast.Module) -> Found:
    publishes = publishing(tree)
    found: list[tuple[ast.AST, Kind]] = [
        *calls(names, tree),
        *declarations(names, tree),
        *((node, Kind.SQL) for node in statements(names, tree)),
    ]
    lines = text.splitlines()
    for node, kind in found:
        line, last = node.lineno, node.end_lineno  # type: ignore[attr-defined]
        place = _place(path, line, kind, lines[line - 1])
        place.last_line = line if isinstance(node, ast.ClassDef) else last
        place.publishes = line in publishes
        yield place


def _cascades(model: type[models.Model]) -> Found:
    """The database or Django deletes or changes rows of it when others are deleted."""
    for one in model._meta.concrete_fields:
        rule = getattr(one.remote_field, "on_delete", None)
        if rule in (models.CASCADE, models.SET_NULL, models.SET_DEFAULT):
            path, line = _where(model)
            code = f"{one.name}: on_delete={rule.__name__}"
            yield _place(path, line, Kind.CASCADE, code)


def _where(model: type[models.Model]) -> tuple[Path, int]:
    path = Path(inspect.getfile(model)).resolve()
    return path, inspect.getsourcelines(model)[1]


def _place(path: Path, line: int, kind: Kind, code: str) -> Place:
    root = sources.root()
    name = path.relative_to(root) if path.is_relative_to(root) else path
    code, _, why = code.partition(MARK)
    is_test = sources.is_test(path)
    return Place(str(name), line, kind, code.strip(), line, looked_at=why.strip(), is_test=is_test)
