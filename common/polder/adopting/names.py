"""Which names of a file stand for the model, as its imports have it; and which variables for rows
of it, as far as its functions say."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

from django.db import models

# What a call on the model gives: one row, or several.
ROW = frozenset(
    ("get", "create", "first", "last", "earliest", "latest", "aget", "acreate", "afirst", "alast")
)
GIVES_ROW = frozenset(("get_object_or_404", "aget_object_or_404"))


@dataclass
class Names:
    """Of one file. `model` are the dotted names of the class, `rows` the variables, `related` what
    other models call the rows of it that they have."""

    wanted: type[models.Model]
    related: set[str]
    model: set[str] = field(default_factory=set)
    rows: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, wanted: type[models.Model], module: str, tree: ast.Module) -> Names:
        names = cls(wanted, _accessors(wanted))
        if module == wanted.__module__:
            names.model.add(wanted.__name__)
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):
                names._from(node, module)
            elif isinstance(node, ast.Import):
                for one in node.names:
                    if wanted.__module__ == one.name or wanted.__module__.startswith(
                        f"{one.name}."
                    ):
                        base = one.asname or one.name
                        names.model.add(f"{base}.{wanted.__name__}")
        return names

    def _from(self, node: ast.ImportFrom, module: str) -> None:
        source = node.module or ""
        if node.level:
            package = module.split(".")[: -node.level]
            source = ".".join([*package, *([source] if source else [])])
        home, name = self.wanted.__module__, self.wanted.__name__
        for one in node.names:
            if home == source or home.startswith(
                f"{source}."
            ):  # also by a package that passes it on
                if one.name in (name, "*"):
                    self.model.add(one.asname or name)
                elif f"{source}.{one.name}" == home or home.startswith(f"{source}.{one.name}."):
                    self.model.add(f"{one.asname or one.name}.{name}")

    def managers(self) -> set[str]:
        """The classes of its own managers and querysets, where `self` is its rows."""
        found: set[str] = set()
        for one in self.wanted._meta.managers:
            for cls in (type(one), getattr(one, "_queryset_class", models.QuerySet)):
                found.update(each.__name__ for each in cls.__mro__ if _is_of_a_project(each))
        return found

    def is_model(self, node: ast.AST) -> bool:
        """The class itself: by a name, by `apps.get_model`, by its label."""
        if isinstance(node, ast.Name | ast.Attribute):
            return dotted(node) in self.model
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
            texts = [one.value for one in node.args if isinstance(one, ast.Constant)]
            label = self.wanted._meta.label.lower()
            told = ".".join(str(one) for one in texts).lower()
            return dotted(node.func).endswith("get_model") and told == label
        return False

    def is_manager_of(self, node: ast.AST) -> bool:
        """`Book.objects`, `author.book_set`, every queryset that follows, and variables for
        rows."""
        while isinstance(node, ast.Call | ast.Attribute | ast.Subscript):
            if isinstance(node, ast.Attribute) and (
                self.is_model(node.value) or node.attr in self.related
            ):
                return True
            node = node.func if isinstance(node, ast.Call) else node.value
        return isinstance(node, ast.Name) and node.id in self.rows

    def learn(self, function: ast.AST) -> None:
        """What is assigned in a function, or annotated, as far as it is a row or a queryset."""
        for node in ast.walk(function):
            if isinstance(node, ast.arg) and node.annotation and self._named(node.annotation):
                self.rows.add(node.arg)
            elif isinstance(node, ast.Assign) and self.gives_rows(node.value):
                for target in node.targets:
                    self.rows.update(_variables(target))
            elif isinstance(node, ast.AnnAssign) and self._named(node.annotation):
                self.rows.update(_variables(node.target))
            elif isinstance(node, ast.NamedExpr) and self.gives_rows(node.value):
                self.rows.add(node.target.id)
            elif isinstance(node, ast.For | ast.AsyncFor | ast.comprehension) and self.gives_rows(
                node.iter
            ):
                self.rows.update(_variables(node.target))

    def gives_rows(self, node: ast.AST) -> bool:
        if isinstance(node, ast.Await):
            return self.gives_rows(node.value)
        if isinstance(node, ast.List | ast.Tuple):
            return any(self.gives_rows(one) for one in node.elts)
        if isinstance(node, ast.ListComp | ast.GeneratorExp):
            return self.gives_rows(node.elt)
        if isinstance(node, ast.Call):
            if self.is_model(node.func):
                return True
            name = dotted(node.func).rpartition(".")[2]
            if name in GIVES_ROW or name in ("list", "sorted", "iter"):
                return bool(node.args) and (
                    self.is_model(node.args[0]) or self.gives_rows(node.args[0])
                )
        return self.is_manager_of(node)

    def _named(self, annotation: ast.AST) -> bool:
        """`Book`, `"Book"`, `QuerySet[Book]`, `list[Book] | None`."""
        if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
            return self.wanted.__name__ in annotation.value
        return any(self.is_model(node) for node in ast.walk(annotation))


def _accessors(wanted: type[models.Model]) -> set[str]:
    """Under which other models have rows of this one: `author.book_set`."""
    found = set()
    for one in wanted._meta.get_fields():
        remote = getattr(one, "remote_field", None)
        if remote and getattr(one, "concrete", False) and hasattr(remote, "get_accessor_name"):
            found.add(remote.get_accessor_name())
    return {one for one in found if one}


def _is_of_a_project(cls: type) -> bool:
    return not cls.__module__.startswith(("django.", "builtins", "polder."))


def dotted(node: ast.AST) -> str:
    """`a.b.c`; what is none of that is a `?`."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return "?"


def _variables(target: ast.AST) -> Iterator[str]:
    for node in ast.walk(target):
        if isinstance(node, ast.Name):
            yield node.id
