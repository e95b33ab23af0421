"""Names that would be two things in what is written for a service."""

from __future__ import annotations

import ast
import builtins
from collections import Counter
from collections.abc import Iterable, Iterator

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def clashes(sources: Iterable[str]) -> list[str]:
    """Of Python modules: what a module binds twice, or in a function once more, or binds although
    Python has it."""
    return sorted({name for source in sources for name in _of_module(ast.parse(source))})


def _of_module(tree: ast.Module) -> Iterator[str]:
    bound = Counter(name for node in tree.body for name in _bound(node))
    yield from (name for name, times in bound.items() if times > 1 or hasattr(builtins, name))
    for function in ast.walk(tree):
        if isinstance(function, _FUNCTIONS):
            for node in ast.walk(function):
                if isinstance(node, ast.arg) and node.arg in bound:
                    yield node.arg
                elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                    yield from {node.id} & bound.keys()


def _bound(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, ast.Import | ast.ImportFrom):
        yield from ((one.asname or one.name).partition(".")[0] for one in node.names)
    elif isinstance(node, (ast.ClassDef, *_FUNCTIONS)):
        yield node.name
    elif isinstance(node, ast.Assign):
        yield from (one.id for one in node.targets if isinstance(one, ast.Name))
