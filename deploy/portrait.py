"""What a picture needs to know of a service, read from its source without importing it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Portrait:
    name: str
    subscribes_to: tuple[str, ...]
    owned: tuple[str, ...]  # the aggregates that it decides
    replicas: tuple[tuple[str, str], ...]  # model and the service that owns it


def portrait(folder: Path) -> Portrait:
    """Of the service in `order_service/` and the like."""
    replicas = tuple(_replicas(_parsed(folder / "models" / "replicas.py")))
    return Portrait(
        name=folder.name.removesuffix("_service"),
        subscribes_to=tuple(sorted({publisher for _, publisher in replicas})),
        owned=tuple(_owned(_parsed(folder / "models" / "owned.py"))),
        replicas=replicas,
    )


def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), str(path))


def _owned(models: ast.Module) -> Iterator[str]:
    for statement in models.body:
        if isinstance(statement, ast.ClassDef) and any(ast.unparse(base) in ("Aggregate", "StatefulAggregate") for base in statement.bases):
            yield statement.name


def _replicas(models: ast.Module) -> Iterator[tuple[str, str]]:
    """From `class Product(Replica, of="inventory.product")`."""
    for statement in models.body:
        if isinstance(statement, ast.ClassDef) and "Replica" in map(ast.unparse, statement.bases):
            [of] = [ast.literal_eval(keyword.value) for keyword in statement.keywords if keyword.arg == "of"]
            yield statement.name, of.partition(".")[0]
