"""What a project takes of others: their contracts, and a replica with each member of a state."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from polder.init.files import Change, read
from polder.init.model import after_imports, with_imports
from polder.init.project import NoProject, Project

FIELDS = {
    "Key": "CharField(max_length=64)",
    "Text": "CharField(max_length=500)",
    "Currency": "CharField(max_length=3)",
    "Amount": "DecimalField(max_digits=12, decimal_places=2)",
    "str": "TextField()",
    "bool": "BooleanField()",
    "int": "BigIntegerField()",
    "float": "FloatField()",
    "Count": "IntegerField()",
    "Quantity": "IntegerField()",
    "Timestamp": "DateTimeField()",
    "date": "DateField()",
    "UUID": "UUIDField()",
}
DECIMAL = re.compile(r"Annotated\[Decimal, Field\((max_digits=\d+, decimal_places=\d+)\)\]")
IMPORTS = ("from django.db import models\n", "from polder.replication.replica import Replica\n")
OWN = ("content_hash", "event_id", "key", "retired_at", "synced_at", "version")  # of each replica


def changes(
    project: Project, contracts: Sequence[str], replicates: Sequence[str]
) -> Iterator[Change]:
    """The copies, and in the apps that have them the replicas that are not there yet. Raises
    NoProject and OSError."""
    texts = [read(_places(project, one)[1]) for one in contracts]
    for aggregate in replicates:
        if texts and not any(_state(text, aggregate) for text in texts):
            raise NoProject(f"{', '.join(contracts)} tells nothing of {aggregate}")
    for one in contracts:
        app, source, ours = _places(project, one)
        theirs, copy = read(source), app / "contracts.py"
        if ours != theirs:
            yield Change(copy, ours, theirs)
        models = app / "models.py"
        if models.exists():
            before = read(models)
            change = Change(models, before, before)
            for aggregate in replicates:
                change = _with_replica(change, theirs, aggregate)
            if change.after != before:
                yield change


def _places(project: Project, contracts: str) -> tuple[Path, Path, str | None]:
    """The app, the publisher's file, and what the app has of it. Raises NoProject and OSError."""
    name, _, file = contracts.partition("=")
    source = project.root / Path(file).expanduser()
    if not file or source.suffix != ".py":
        raise NoProject(
            f"--contracts {contracts} is not an app and a file, such as "
            "reviews=../bookshop/books/contracts.py"
        )
    app = project.app(name)
    path = app / "contracts.py"
    ours = read(path) if path.exists() else None
    if ours is not None and _services(ours) != _services(read(source)):
        raise NoProject(f"{path} is no copy of {source}: copy it into another app")
    return app, source, ours


def _services(contracts: str) -> set[str]:
    return set(re.findall(r"""^\s+service = ["'](\w+)""", contracts, re.MULTILINE))


def _with_replica(change: Change, contracts: str, aggregate: str) -> Change:
    """The models with a replica, if they have none of it and the contracts tell of it."""
    source = change.after
    state = _state(contracts, aggregate)
    if state is None or f'of="{aggregate}"' in source:
        return change
    name = state.name.removesuffix("State")
    if re.search(rf"^class {name}\b", source, re.MULTILINE):
        name = aggregate.partition(".")[0].capitalize() + name
    fields = _fields(state, aggregate.partition(".")[2])
    paths = "".join(f', their_{one}="{one}"' for one in OWN if one in fields)
    body = [f"    {'their_' if one in OWN else ''}{one} = models.{fields[one]}" for one in fields]
    head = f'class {name}(Replica, of="{aggregate}"{paths}):'
    replica = "\n".join([head, *(body or ["    pass"]), ""])
    lines = f"{source.rstrip()}\n".splitlines(keepends=True)
    lines = with_imports(lines, after_imports(ast.parse(source)), IMPORTS)
    return replace(change, after="".join(lines).rstrip() + f"\n\n\n{replica}")


def _state(contracts: str, of: str) -> ast.ClassDef | None:
    """The class of an aggregate's public state. Raises NoProject."""
    service, _, aggregate = of.partition(".")
    try:
        module = ast.parse(contracts)
    except SyntaxError as error:
        raise NoProject(f"the contracts of {service} are no Python: {error}") from None
    classes = [node for node in module.body if isinstance(node, ast.ClassDef)]
    for node in classes:
        said = {ast.unparse(one) for one in node.body}
        if {f"service = {service!r}", f"aggregate = {aggregate!r}"} <= said:
            for one in classes:
                if f"data: {one.name}" in said:
                    return one
    return None


def _fields(state: ast.ClassDef, aggregate: str) -> dict[str, str]:
    """By the member's name; the aggregate's key is every replica's `key`."""
    found = {}
    for node in state.body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            said = ast.unparse(node.annotation)
            kind = said.removesuffix(" | None")
            decimal = DECIMAL.fullmatch(kind)
            field = f"DecimalField({decimal[1]})" if decimal else FIELDS.get(kind, "JSONField()")
            if kind != said:
                field = field.replace("(", "(null=True, ", 1).replace(", )", ")")
            found[node.target.id] = field
    found.pop(f"{aggregate}_id", None)
    return found
