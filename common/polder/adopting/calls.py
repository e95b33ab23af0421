"""Calls that write rows of the model."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace

from polder.adopting.known import is_about
from polder.adopting.names import Names, dotted
from polder.adopting.perhaps import perhaps, untyped
from polder.adopting.places import Kind

ON_MANY = {
    "create": Kind.CREATE,
    "bulk_create": Kind.BULK_CREATE,
    "get_or_create": Kind.GET_OR_CREATE,
    "update_or_create": Kind.GET_OR_CREATE,
    "update": Kind.UPDATE,
    "bulk_update": Kind.BULK_UPDATE,
    "delete": Kind.DELETE,
    # of the rows that another row has
    "add": Kind.UPDATE,
    "set": Kind.UPDATE,
    "remove": Kind.UPDATE,
    "clear": Kind.UPDATE,
}
RELATED_ALONE = {"add", "set", "remove", "clear"}
ON_ONE = {"save": Kind.SAVE, "delete": Kind.DELETE, "save_base": Kind.SAVE}
ASYNC = {f"a{name}": name for name in ON_MANY.keys() | ON_ONE.keys()}
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
# What a class that is about the model has of its rows, and what its methods are given of them.
OF_ITS_ROWS = ("self.get_object", "self.get_queryset", "self.model", "self.queryset")
ITS_ROWS = ("self.object", "self.instance", "queryset", "obj", "instance")


def calls(names: Names, tree: ast.Module) -> Iterator[tuple[ast.Call, Kind]]:
    """Of a file. A name stands for a row in all of the function that says so, an attribute in all
    of its class."""
    seen: set[ast.Call] = set()
    for scope, rows in _scopes(names, tree):
        here = replace(names, rows=set(rows))
        here.learn(scope)
        nobodys = untyped(here, scope) if names.model else set()
        for node in ast.walk(scope):
            if not isinstance(node, ast.Call) or node in seen:
                continue
            if kind := _kind(node, here) or perhaps(node, nobodys):
                seen.add(node)
                yield node, kind


def _scopes(names: Names, tree: ast.Module) -> Iterator[tuple[ast.AST, list[str]]]:
    """Functions, and statements outside of them, each with the names that are rows in it anyway."""
    of_rows = names.model | names.managers()
    methods: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            own = ["self", "cls"] if node.name in of_rows else _attributes(names, node)
            methods.update(one for one in node.body if isinstance(one, _FUNCTIONS))
            yield from ((one, own if isinstance(one, _FUNCTIONS) else []) for one in node.body)
        elif isinstance(node, _FUNCTIONS) and node not in methods:
            yield node, []
    yield from ((one, []) for one in tree.body if not isinstance(one, (*_FUNCTIONS, ast.ClassDef)))


def _attributes(names: Names, node: ast.ClassDef) -> list[str]:
    """What `self` has of the model's rows in all methods of a class."""
    here = replace(names, rows=set())
    for one in node.body:
        here.learn(one)
    found = {one for one in here.rows if one.startswith(("self.", "cls."))}
    found |= {f"self.{one.removeprefix('cls.')}" for one in found if one.startswith("cls.")}
    return [*found, *(OF_ITS_ROWS + ITS_ROWS if is_about(names, node) else ())]


def _kind(call: ast.Call, names: Names) -> Kind | None:
    if not isinstance(call.func, ast.Attribute):
        return None
    on, method = call.func.value, ASYNC.get(call.func.attr, call.func.attr)
    kind = ON_ONE.get(method) or ON_MANY.get(method)
    if kind is None:
        return None
    if isinstance(on, ast.Attribute) and on.attr in names.related:  # author.book_set.create()
        return kind
    if method in RELATED_ALONE:
        return None
    if kind is Kind.UPDATE and _is_private(call, names):
        return None
    is_new = isinstance(on, ast.Call) and names.is_model(on.func)  # Book(...).save()
    return kind if is_new or names.is_manager_of(on) else None


def _is_private(call: ast.Call, names: Names) -> bool:
    """Only of columns that no event carries."""
    private = set(getattr(names.wanted, "private", ()))
    return bool(call.keywords) and {one.arg for one in call.keywords} <= private


def publishing(tree: ast.Module) -> set[int]:
    """Lines of functions that call publish()."""
    lines: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and any(
            isinstance(one, ast.Call) and dotted(one.func).rpartition(".")[2] == "publish"
            for one in ast.walk(node)
        ):
            lines.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return lines
