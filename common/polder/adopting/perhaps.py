"""Calls that may write rows of the model: on what no reading tells the type of."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from django.db import models

from polder.adopting.names import Names
from polder.adopting.places import Kind

_WRITES = {"save", "delete", "update", "asave", "adelete", "aupdate"}


def untyped(names: Names, scope: ast.AST) -> set[str]:
    """Parameters without a type, what functions give that are not known, and what is gone through
    of either."""
    found = {one.arg for one in _arguments(scope) if not one.annotation} - {"self", "cls"}
    for node in ast.walk(scope):
        if isinstance(node, ast.Assign):
            targets = {one.id for one in node.targets if isinstance(one, ast.Name)}
            found = found | targets if _is_unknown(node.value) else found - targets
        elif (
            isinstance(node, ast.For | ast.AsyncFor | ast.comprehension)
            and isinstance(node.target, ast.Name)
            and _root(node.iter) in found
        ):
            found.add(node.target.id)
    return found - names.rows


def perhaps(call: ast.Call, nobodys: set[str]) -> Kind | None:
    """`x.save()`, `x.filter(...).update(...)` of one of those; a dict's `update` has a dict."""
    if not isinstance(call.func, ast.Attribute) or call.func.attr not in _WRITES:
        return None
    if call.func.attr.endswith("update") and call.args:
        return None
    return Kind.PERHAPS if _root(call.func.value) in nobodys else None


def _arguments(scope: ast.AST) -> Iterator[ast.arg]:
    for node in ast.walk(scope):
        if isinstance(node, ast.arguments):
            yield from (*node.posonlyargs, *node.args, *node.kwonlyargs)


def _is_unknown(value: ast.expr) -> bool:
    """A call in which no class is named."""
    value = value.value if isinstance(value, ast.Await) else value
    return isinstance(value, ast.Call) and not any(
        isinstance(one, ast.Name | ast.Attribute) and _name(one)[:1].isupper()
        for one in ast.walk(value)
    )


def _name(node: ast.Name | ast.Attribute) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr


def _root(node: ast.AST) -> str:
    """The variable of which it is a queryset, or that itself."""
    while isinstance(node, ast.Call | ast.Subscript | ast.Attribute):
        if isinstance(node, ast.Attribute) and not hasattr(models.QuerySet, node.attr):
            return ""
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""
