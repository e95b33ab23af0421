"""What a project takes of others: their contracts, and a replica with each member of a state."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from polder.init.files import Change
from polder.init.model import modules
from polder.init.project import NoProject, Project
from polder.init.source import bound, parsed, services, text_of, with_block, with_imports

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
    "Date": "DateField()",
    "date": "DateField()",
    "UUID": "UUIDField()",
}
DECIMAL = re.compile(r"Annotated\[Decimal, Field\((max_digits=\d+, decimal_places=\d+)\)\]")
MANY = re.compile(r"(dict|frozenset|list|set|tuple)\[")
IMPORTS = ("from django.db import models", "from polder.replication.replica import Replica")
OWN = ("content_hash", "event_id", "key", "retired_at", "synced_at", "version")  # of each replica


def changes(
    project: Project, contracts: Sequence[str], replicates: Sequence[str]
) -> Iterator[Change]:
    """The copies, and in the apps that have them the replicas that are not there yet. Raises
    NoProject and OSError."""
    texts = [text_of(_places(project, one)[1]) for one in contracts]
    for aggregate in replicates:
        if texts and not any(_state(text, aggregate) for text in texts):
            raise NoProject(f"{', '.join(contracts)} tells nothing of {aggregate}")
    for one in contracts:
        app, source, ours = _places(project, one)
        theirs, copy = text_of(source), app / "contracts.py"
        if ours != theirs:
            yield Change(copy, ours, theirs)
        yield from _replicas(app, theirs, replicates)


def _replicas(app: Path, contracts: str, replicates: Sequence[str]) -> Iterator[Change]:
    """Into the module of the app's models that Django imports. Raises NoProject and OSError."""
    sources = {path: text_of(path) for path in modules(app)}
    for path, source in sources.items():
        parsed(source, path)
    path = next(iter(sources))
    taken = set[str]().union(*map(bound, sources.values()))
    change = Change(path, sources[path], sources[path])
    for aggregate in replicates:
        state = _state(contracts, aggregate)
        if state and not any(f'of="{aggregate}"' in source for source in sources.values()):
            name = _free_name(state.name.removesuffix("State"), aggregate, taken)
            source = with_imports(change.after, path, IMPORTS)
            replica = _replica(
                name, aggregate, _fields(state, aggregate.partition(".")[2], _values(contracts))
            )
            sources[path] = with_block(source, replica)
            change = replace(change, after=sources[path])
            taken.add(name)
    if change.after != change.before:
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
    ours = text_of(path) if path.exists() else None
    if ours is not None and services(ours) != services(text_of(source)):
        raise NoProject(f"{path} is no copy of {source}: copy it into another app")
    return app, source, ours


def _free_name(name: str, aggregate: str, taken: set[str]) -> str:
    """Raises NoProject."""
    longer = aggregate.partition(".")[0].capitalize() + name
    for one in (name, longer):
        if one not in taken:
            return one
    raise NoProject(f"the app's models have a {name} and a {longer} already: rename one of them")


def _replica(name: str, aggregate: str, fields: dict[str, str]) -> str:
    known = [one for one, line in fields.items() if not line.startswith("#")]
    paths = "".join(f', their_{one}="{one}"' for one in OWN if one in known)
    head = f'class {name}(Replica, of="{aggregate}"{paths}):'
    body = [*fields.values(), *([] if known else ["pass"])]
    return "\n".join([head, *(f"    {line}" for line in body), ""])


def _state(contracts: str, of: str) -> ast.ClassDef | None:
    """The class of an aggregate's public state. Raises NoProject."""
    service, _, aggregate = of.partition(".")
    try:
        module = ast.parse(contracts)
    except (SyntaxError, ValueError) as error:
        raise NoProject(f"the contracts of {service} are no Python: {error}") from None
    classes = [node for node in module.body if isinstance(node, ast.ClassDef)]
    for node in classes:
        said = {ast.unparse(one) for one in node.body}
        if {f"service = {service!r}", f"aggregate = {aggregate!r}"} <= said:
            for one in classes:
                if f"data: {one.name}" in said:
                    return one
    return None


def _values(contracts: str) -> set[str]:
    """The classes that are a part of a state."""
    classes = [node for node in ast.parse(contracts).body if isinstance(node, ast.ClassDef)]
    return {node.name for node in classes if "Value" in map(ast.unparse, node.bases)}


def _fields(state: ast.ClassDef, aggregate: str, values: set[str]) -> dict[str, str]:
    """Its line, by the member's name; the aggregate's key is every replica's `key`. What has no
    field of Django's is named, for a person."""
    found = {}
    for node in state.body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            name, said = node.target.id, ast.unparse(node.annotation)
            kind = said.removesuffix(" | None")
            field = "" if name == "models" else _field(kind, values)
            if kind != said:
                field = field.replace("(", "(null=True, ", 1).replace(", )", ")")
            line = f"{'their_' if name in OWN else ''}{name} = models.{field}"
            found[name] = line if field else f"# {name} ({said}): say its field here"
    found.pop(f"{aggregate}_id", None)
    return found


def _field(kind: str, values: set[str]) -> str:
    if decimal := DECIMAL.fullmatch(kind):
        return f"DecimalField({decimal[1]})"
    return FIELDS.get(kind, "JSONField()" if MANY.match(kind) or kind in values else "")
