"""Writes that stand in texts: SQL, in the code or in files of its own, and fixtures."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

from django.db import models

from polder.adopting.names import Names

_WRITES = (
    r"\b(?:INSERT\s+INTO|UPDATE(?:\s+ONLY)?|DELETE\s+FROM(?:\s+ONLY)?|MERGE\s+INTO|COPY"
    r"|TRUNCATE(?:\s+TABLE)?)\s+"
)
_HOLE = "\0"  # where an f-string or a format has the table


def sql_of(model: type[models.Model]) -> re.Pattern[str]:
    """Matches a statement that writes the model's table."""
    table = re.escape(model._meta.db_table)
    return re.compile(rf'{_WRITES}(?:"?\w+"?\.)?"?(?:{table}|{_HOLE})(?!\w)"?', re.IGNORECASE)


def statements(names: Names, tree: ast.Module) -> Iterator[ast.AST]:
    """Strings of a file that write its table, also where it is named by `_meta.db_table`."""
    pattern = sql_of(names.wanted)
    parts = {
        part for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values
    }
    for node in ast.walk(tree):
        text = ""
        if isinstance(node, ast.JoinedStr):
            text = "".join(_part(names, one) for one in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in parts:
            text = node.value
        if text and pattern.search(text):
            yield node


def _part(names: Names, node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    of_model = any(
        isinstance(one, ast.Attribute)
        and one.attr == "db_table"
        and isinstance(one.value, ast.Attribute)
        and names.is_model(one.value.value)
        for one in ast.walk(node)
    )
    return _HOLE if of_model else "?"


def in_sql(model: type[models.Model], text: str) -> Iterator[int]:
    """Lines of a file of SQL."""
    for found in sql_of(model).finditer(text):
        yield text.count("\n", 0, found.start()) + 1


def in_fixture(model: type[models.Model], path: Path) -> bool:
    """Of JSON; others are not looked into."""
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError):
        return False
    label = model._meta.label_lower
    return isinstance(rows, list) and any(
        isinstance(row, dict) and str(row.get("model", "")).lower() == label for row in rows
    )
