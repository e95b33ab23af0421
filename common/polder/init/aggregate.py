"""A model made an aggregate, as text."""

from __future__ import annotations

import ast

from polder.init.files import Change, lines_of
from polder.init.model import Model
from polder.init.project import NoProject
from polder.init.source import line_end, with_imports

# What a model may have as well: its own `save` calls that of the aggregate, and the others are of
# aggregates with a state machine.
OPEN = {
    *("event_of", "from_db", "move_to", "moves", "refresh_from_db", "save", "status_event"),
}
# what an aggregate has besides its columns
TAKEN = OPEN | {
    *("announcement", "change", "contract", "private", "public_state", "stored_version"),
    *("subject", "version"),
}


def check_names(model: Model) -> None:
    """Raises NoProject where it has what every aggregate has for itself."""
    fields = TAKEN.intersection(name for name, _ in model.fields())
    if taken := fields | (TAKEN - OPEN).intersection(model.attributes()):
        name = min(taken)
        kept = f"; db_column={name!r} leaves the table as it is" if name in fields else ""
        raise NoProject(
            f"{model.node.name} has {'a field ' if kept else ''}{name!r}, which every aggregate "
            f"has for itself: rename it first{kept}"
        )


def as_aggregate(model: Model) -> Change:
    """With its contract, which stands in the app, its state, and which event says it anew. Raises
    NoProject."""
    check_names(model)
    name, lines, end = model.node.name, lines_of(model.source), line_end(model.source)
    indent = " " * model.node.body[0].col_offset
    last = model.node.end_lineno or 0
    if not lines[last - 1].endswith(("\n", "\r")):
        lines[last - 1] += end
    lines[last:last] = [f"{indent if line else ''}{line}{end}" for line in _methods(model)]
    lines.insert(_body(model.node), f"{indent}contract = {name}Event{end}")
    base = model.node.bases[0]
    row, encoded = base.lineno - 1, lines[base.lineno - 1].encode()
    encoded = encoded[: base.col_offset] + b"Aggregate" + encoded[base.end_col_offset :]
    lines[row] = encoded.decode()
    imports = [
        "from polder.domain.aggregate import Aggregate",
        f"from {'.' * model.up}contracts import {name}Changed, {name}Event, {name}State",
    ]
    return Change(model.path, model.source, with_imports("".join(lines), model.path, imports))


def _methods(model: Model) -> list[str]:
    name = model.node.name
    said = [f"{model.key}=self.subject"]
    said += [f"{one.name}={one.value}" for one in model.members() if one.type]
    return [
        "",
        f"def public_state(self) -> {name}State:",
        f"    return {name}State(",
        *(f"        {one}," for one in said),
        "    )",
        "",
        f"def announcement(self) -> {name}Event:",
        f"    return {name}Changed.of(self)",
    ]


def _body(node: ast.ClassDef) -> int:
    """The index of the line after the class's head, and after its text."""
    first = node.body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
        return first.end_lineno or 0
    decorators = getattr(first, "decorator_list", [])
    return int(min(one.lineno for one in (first, *decorators))) - 1
