"""What the whole project says of the model: forms for it, and functions that give rows of it. By
their names alone, whichever file uses them."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import replace

from django.db import models

from polder.adopting.names import Names

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def known(files: Iterable[tuple[Names, ast.Module]]) -> set[str]:
    """Of all files; what is called as a method of every queryset says nothing."""
    found = {name for names, tree in files for name in _known(names, tree)}
    return {name for name in found if not hasattr(models.QuerySet, name)}


def _known(names: Names, tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            yield from [node.name] if is_form(names, node) else []
        elif isinstance(node, _FUNCTIONS):
            yield from [node.name] if returns_rows(names, node) else []


def is_form(names: Names, node: ast.ClassDef) -> bool:
    """Or a serializer, a filter, a factory: its `Meta` names the model."""
    return any(
        isinstance(inner, ast.ClassDef) and inner.name == "Meta" and says(names, inner, "model")
        for inner in node.body
    )


def is_about(names: Names, node: ast.ClassDef) -> bool:
    """Whether a view, an admin or a form is for rows of the model."""
    return (
        is_form(names, node)
        or any(says(names, node, one) for one in ("model", "queryset"))
        or any(says(names, node, one) for one in ("form_class", "serializer_class", "form"))
        or any(
            isinstance(one, _FUNCTIONS) and one.name == "get_queryset" and returns_rows(names, one)
            for one in node.body
        )
        or any(
            isinstance(one, ast.Call) and any(map(names.is_model, one.args))
            for one in node.decorator_list
        )
        or node.name in names.registered
    )


def says(names: Names, node: ast.ClassDef, attribute: str) -> bool:
    """`model = Book`, `queryset = Book.objects.all()`, `form_class = BookForm`."""
    for one in node.body:
        if isinstance(one, ast.Assign) and any(
            isinstance(target, ast.Name) and target.id == attribute for target in one.targets
        ):
            return names.gives_rows(one.value) or names.is_model(one.value)
    return False


def returns_rows(names: Names, function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    if function.returns and names.is_named(function.returns):
        return True
    here = replace(names, rows=set(names.rows))
    here.learn(function)
    return any(
        isinstance(one, ast.Return) and one.value and here.gives_rows(one.value)
        for one in ast.walk(function)
    )
