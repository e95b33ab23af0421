"""A model as it stands in an app's files: its fields, and the aggregate that it becomes."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from polder.init.files import Change, read

# what an aggregate has besides its columns
TAKEN = {
    *("announcement", "change", "contract", "event_of", "from_db", "move_to", "moves"),
    *("private", "public_state", "refresh_from_db", "save", "status_event", "stored_version"),
    *("subject", "version"),
}
OURS = ("version", "created_at", "updated_at")  # every aggregate has them, and no event says them
TYPES = {
    "CharField": "Text",
    "EmailField": "Text",
    "SlugField": "Text",
    "URLField": "Text",
    "TextField": "str",
    "IntegerField": "int",
    "SmallIntegerField": "int",
    "BigIntegerField": "int",
    "PositiveIntegerField": "Count",
    "PositiveSmallIntegerField": "Count",
    "BooleanField": "bool",
    "FloatField": "float",
    "DateTimeField": "Timestamp",
    "DateField": "date",
    "UUIDField": "UUID",
    "ForeignKey": "Key",
    "OneToOneField": "Key",
}
LONGEST_TEXT = 500  # of the type Text


class Member(NamedTuple):
    """Of a public state. `type` is empty where only a person can say it."""

    name: str
    type: str
    value: str  # as a method of the model has it
    field: str


@dataclass(frozen=True)
class Model:
    """The class in `path`, by its name."""

    path: Path
    source: str
    tree: ast.Module
    node: ast.ClassDef

    @classmethod
    def find(cls, app: Path, name: str, changed: Mapping[Path, str]) -> Model | None:
        """In an app's models, with what some files are to be; None where none of them has it."""
        for path in (app / "models.py", *sorted((app / "models").glob("*.py"))):
            try:
                source = changed.get(path) or read(path)
                tree = ast.parse(source)
            except (OSError, ValueError, SyntaxError):
                continue
            for node in tree.body:
                if isinstance(node, ast.ClassDef) and node.name == name:
                    return cls(path, source, tree, node)
        return None

    @property
    def is_plain(self) -> bool:
        """Whether a program can make an aggregate of it."""
        bases = [ast.unparse(base) for base in self.node.bases]
        is_written_out = self.node.body[0].lineno > self.node.lineno and "\t" not in self.source
        return is_written_out and bases in (["models.Model"], ["Model"])

    def members(self) -> list[Member]:
        """Of all that it has but its key and what every aggregate has."""
        return [member for member in self._members() if member.name not in OURS]

    def names(self) -> set[str]:
        """Of its fields."""
        return {member.name for member in self._members()}

    def _members(self) -> Iterator[Member]:
        for node in self.node.body:
            target = node.targets[0] if isinstance(node, ast.Assign) else None
            target = node.target if isinstance(node, ast.AnnAssign) else target
            call = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
            if isinstance(target, ast.Name) and isinstance(call, ast.Call):
                options = {one.arg: ast.unparse(one.value) for one in call.keywords if one.arg}
                field = ast.unparse(call.func).rpartition(".")[2]
                is_field = field.endswith("Field") or field == "ForeignKey"
                if is_field and options.get("primary_key") != "True":
                    yield _member(target.id, field, options)

    def as_aggregate(self) -> Change:
        """The model with its contract, which stands in the app, its state, and which event says it
        anew."""
        name, lines = self.node.name, self.source.splitlines(keepends=True)
        end = "\r\n" if "\r\n" in self.source else "\n"
        indent = " " * self.node.body[0].col_offset
        said = [f"{self.key}=self.subject"]
        said += [f"{one.name}={one.value}" for one in self.members() if one.type]
        state = [f"def public_state(self) -> {name}State:", f"    return {name}State("]
        state += [f"        {one}," for one in said] + ["    )", ""]
        state += [f"def announcement(self) -> {name}Event:"]
        state += [f"    return {name}Changed.of(self)"]
        last = self.node.end_lineno or 0
        lines[last - 1] = lines[last - 1].rstrip("\r\n") + end
        lines[last:last] = [end, *(f"{indent if line else ''}{line}{end}" for line in state)]
        lines.insert(self._body(), f"{indent}contract = {name}Event{end}")
        base = self.node.bases[0]
        row, encoded = base.lineno - 1, lines[base.lineno - 1].encode()
        encoded = encoded[: base.col_offset] + b"Aggregate" + encoded[base.end_col_offset :]
        lines[row] = encoded.decode()
        up = "." * (1 if self.path.name == "models.py" else 2)
        imports = [
            f"from polder.domain.aggregate import Aggregate{end}",
            f"from {up}contracts import {name}Changed, {name}Event, {name}State{end}",
        ]
        lines = with_imports(lines, after_imports(self.tree), imports)
        return Change(self.path, self.source, "".join(lines))

    def _body(self) -> int:
        """The index of the line after the class's head, and after its text."""
        first = self.node.body[0]
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
            return first.end_lineno or 0
        decorators = getattr(first, "decorator_list", [])
        return int(min(one.lineno for one in (first, *decorators))) - 1

    @property
    def key(self) -> str:
        return f"{snake(self.node.name)}_id"


def _member(name: str, field: str, options: dict[str, str]) -> Member:
    value = f"self.{name}"
    kind = TYPES.get(field, "")
    longest = options.get("max_length", "0")
    if kind == "Text" and not (longest.isdigit() and int(longest) <= LONGEST_TEXT):
        kind = "str"
    if field == "DecimalField" and {"max_digits", "decimal_places"} <= options.keys():
        digits, places = options["max_digits"], options["decimal_places"]
        kind = f"Annotated[Decimal, Field(max_digits={digits}, decimal_places={places})]"
    is_null = options.get("null") == "True"
    if kind == "Key":
        name = f"{name}_id"
        value = f"str(self.{name})"
        value += f" if self.{name} is not None else None" if is_null else ""
    return Member(name, f"{kind} | None" if kind and is_null else kind, value, field)


def after_imports(tree: ast.Module) -> int:
    """The index of the line after the last import at the top of a module, or after its text."""
    place = 0
    for node in tree.body:
        is_text = node is tree.body[0] and isinstance(node, ast.Expr)
        if is_text or isinstance(node, ast.Import | ast.ImportFrom):
            place = node.end_lineno or place
    return place


def with_imports(lines: list[str], place: int, wanted: Iterable[str]) -> list[str]:
    """The lines of a module with these imports at `place`, or in those of the same module."""
    lines, new = list(lines), []
    for one in wanted:
        module, _, names = one.partition(" import ")
        for row, line in enumerate(lines[:place]):
            if line.startswith(f"{module} import ") and not set(line) & set("(*#\\"):
                there = line.partition(" import ")[2].strip().split(", ")
                both = sorted({*there, *names.strip().split(", ")})
                end = line[len(line.rstrip()) :]
                lines[row] = f"{module} import {', '.join(both)}{end}"
                break
        else:
            new.append(one)
    return lines[:place] + new + lines[place:]


def snake(name: str) -> str:
    return re.sub("(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
