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
    return Portrait(
        name=folder.name.removesuffix("_service"),
        subscribes_to=tuple(_subscribes_to(_parsed(folder / "settings.py"))),
        owned=tuple(_owned(_parsed(folder / "models" / "owned.py"))),
        replicas=tuple(_replicas(_parsed(folder / "models" / "replicas.py"))),
    )


def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), str(path))


def _subscribes_to(settings: ast.Module) -> list[str]:
    for statement in settings.body:
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "SUBSCRIBES_TO":
            return list(ast.literal_eval(statement.value))
    raise LookupError("the settings name no SUBSCRIBES_TO")


def _owned(models: ast.Module) -> Iterator[str]:
    for statement in models.body:
        if isinstance(statement, ast.ClassDef) and any(ast.unparse(base) in ("Aggregate", "StatefulAggregate") for base in statement.bases):
            yield statement.name


def _replicas(models: ast.Module) -> Iterator[tuple[str, str]]:
    """From `replicate(Product, of="inventory.product")`."""
    for call in ast.walk(models):
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "replicate":
            [of] = [ast.literal_eval(keyword.value) for keyword in call.keywords if keyword.arg == "of"]
            yield ast.unparse(call.args[0]), of.partition(".")[0]
