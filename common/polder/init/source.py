"""A module of Python as text: read, and added to without touching its other lines."""

from __future__ import annotations

import ast
import re
import symtable
from collections.abc import Iterable
from itertools import takewhile
from pathlib import Path

from polder.init.files import lines_of, read
from polder.init.project import NoProject

DEFINITIONS = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def text_of(path: Path) -> str:
    """Raises NoProject where it is not in UTF-8, and OSError."""
    try:
        return read(path)
    except UnicodeDecodeError:
        raise NoProject(f"{path} is not in UTF-8") from None


def parsed(source: str, path: Path) -> ast.Module:
    """Raises NoProject."""
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError) as error:
        raise NoProject(f"{path} is no Python: {error}") from None


def bound(source: str) -> set[str]:
    """The names that a module which can be parsed has at its top."""
    symbols = symtable.symtable(source, "", "exec").get_symbols()
    return {one.get_name() for one in symbols if one.is_assigned() or one.is_imported()}


def line_end(source: str) -> str:
    """That of most of its lines."""
    return "\r\n" if 2 * source.count("\r\n") > source.count("\n") else "\n"


def first_place(tree: ast.Module, lines: list[str]) -> int:
    """The index of the first line where an import may stand: after what is said of the whole
    module, and after `from __future__`."""
    place = next((row for row, line in enumerate(lines) if not line.startswith("#")), len(lines))
    for node in tree.body:
        is_future = isinstance(node, ast.ImportFrom) and node.module == "__future__"
        if not (is_future or _is_text(node)):
            break
        place = node.end_lineno or place
    return place


def with_imports(source: str, path: Path, wanted: Iterable[str]) -> str:
    """With these imports (`from x import a, b`) after its own, or in those of the same module.
    Raises NoProject, also where something else has one of the names."""
    tree, lines, end = parsed(source, path), lines_of(source), line_end(source)
    place, new = _after_imports(tree, lines), []
    missing = [(module, names - _imported(tree, module)) for module, names in _split(wanted)]
    if taken := bound(source) & {name for _, names in missing for name in names}:
        raise NoProject(f"{path} has a {min(taken)} already, which is something else: rename it")
    for module, names in missing:
        for row, line in enumerate(lines[:place] if names else ()):
            if line.startswith(f"{module} import ") and not set(line) & set("(*#\\;"):
                there = line.partition(" import ")[2].strip().split(", ")
                was = line[len(line.rstrip("\r\n")) :]
                lines[row] = f"{module} import {', '.join(sorted({*there, *names}))}{was}"
                break
        else:
            new += [f"{module} import {', '.join(sorted(names))}{end}"] if names else []
    if new and place and lines[place - 1].startswith("#"):
        new.insert(0, end)
    if place and new:
        lines[place - 1] = _ended(lines[place - 1], end)
    return "".join(lines[:place] + new + lines[place:])


def with_block(source: str, block: str) -> str:
    """With a definition at its end."""
    end = line_end(source)
    return source.rstrip() + f"\n\n\n{block}".replace("\n", end)


def services(contracts: str) -> set[str]:
    """Whose contracts a module has."""
    return set(re.findall(r"""^\s+service = ["'](\w+)""", contracts, re.MULTILINE))


def _after_imports(tree: ast.Module, lines: list[str]) -> int:
    """The index of the line after the last import above all classes and functions."""
    place = first_place(tree, lines)
    for node in takewhile(lambda node: not isinstance(node, DEFINITIONS), tree.body):
        if isinstance(node, ast.Import | ast.ImportFrom):
            place = node.end_lineno or place
    return place


def _split(wanted: Iterable[str]) -> list[tuple[str, set[str]]]:
    parts = [one.strip().partition(" import ") for one in wanted]
    return [(module, set(names.split(", "))) for module, _, names in parts]


def _imported(tree: ast.Module, module: str) -> set[str]:
    """The names that are there from `module` (`from x`) before any class or function."""
    above = takewhile(lambda node: not isinstance(node, DEFINITIONS), tree.body)
    return {
        one.name
        for node in above
        if isinstance(node, ast.ImportFrom)
        and f"from {'.' * node.level}{node.module or ''}" == module
        for one in node.names
        if one.asname in (None, one.name)
    }


def _ended(line: str, end: str) -> str:
    return line if line.endswith(("\n", "\r")) else line + end


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
