"""Which names of a file stand for the model, as its imports have it; and which variables for rows
of it, as far as its functions say."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

from django.apps import apps
from django.conf import settings
from django.db import models

# What a call on the model gives: one row, or several.
ROW = frozenset(
    ("get", "create", "first", "last", "earliest", "latest", "aget", "acreate", "afirst", "alast")
)
GIVES_ROW = frozenset(("get_object_or_404", "aget_object_or_404"))


@dataclass
class Names:
    """Of one file. `model` are the dotted names of the class, its proxies and its children, `rows`
    the variables and attributes, `related` what other models call the rows of it that they have,
    `single` those that they point to. `registered` are the classes of its admin, `known` what the
    whole project has for it (see `known`)."""

    wanted: type[models.Model]
    related: set[str]
    single: set[str]
    model: set[str] = field(default_factory=set)
    rows: set[str] = field(default_factory=set)
    registered: set[str] = field(default_factory=set)
    known: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, wanted: type[models.Model], module: str, tree: ast.Module) -> Names:
        names = cls(wanted, _accessors(wanted), _pointers(wanted))
        for one in names.family:
            names._imported(one, module, tree)
        names._bound(tree)
        return names

    def _bound(self, tree: ast.Module) -> None:
        """`Book = apps.get_model(...)`, `Volume = Book`, `admin.site.register(Book, BookAdmin)`."""
        classes = (node for node in ast.walk(tree) if isinstance(node, ast.ClassDef))
        attributes = {one for node in classes for one in node.body}  # `model = Book`
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign):
                if self.is_model(node.value) and node not in attributes:
                    self.model.update(one.id for one in node.targets if isinstance(one, ast.Name))
            elif (
                isinstance(node, ast.Call)
                and dotted(node.func).endswith("site.register")
                and any(map(self.is_model, node.args))
            ):
                self.registered.update(map(dotted, node.args[1:]))

    @property
    def family(self) -> list[type[models.Model]]:
        """The model, its proxies, and those that have a table beside its own."""
        return [one for one in apps.get_models() if issubclass(one, self.wanted)]

    def _imported(self, wanted: type[models.Model], module: str, tree: ast.Module) -> None:
        if module == wanted.__module__:
            self.model.add(wanted.__name__)
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):
                self._from(wanted, node, module)
            elif isinstance(node, ast.Import):
                for one in node.names:
                    if wanted.__module__ == one.name or wanted.__module__.startswith(
                        f"{one.name}."
                    ):
                        base = one.asname or one.name
                        self.model.add(f"{base}.{wanted.__name__}")

    def _from(self, wanted: type[models.Model], node: ast.ImportFrom, module: str) -> None:
        source = node.module or ""
        if node.level:
            package = module.split(".")[: -node.level]
            source = ".".join([*package, *([source] if source else [])])
        home, name = wanted.__module__, wanted.__name__
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
            given = [*node.args, *(one.value for one in node.keywords)]
            texts = [one.value for one in given if isinstance(one, ast.Constant)]
            told, called = ".".join(str(one) for one in texts).lower(), dotted(node.func)
            if called.endswith("get_user_model"):
                told = settings.AUTH_USER_MODEL.lower()
            return called.endswith(("get_model", "get_user_model")) and told in {
                one._meta.label_lower for one in self.family
            }
        return False

    def is_manager_of(self, node: ast.AST) -> bool:
        """`Book.objects`, `author.book_set`, every queryset that follows, variables for rows, and
        what functions of the project give."""
        if isinstance(node, ast.Attribute) and node.attr in self.single:
            return True  # review.book
        while isinstance(node, ast.Call | ast.Attribute | ast.Subscript):
            if isinstance(node, ast.Attribute) and (
                self.is_model(node.value) or node.attr in self.related or dotted(node) in self.rows
            ):
                return True
            if isinstance(node, ast.Call) and _last(node.func) in self.known:
                return True
            node = node.func if isinstance(node, ast.Call) else node.value
        return isinstance(node, ast.Name) and node.id in self.rows

    def learn(self, function: ast.AST) -> None:
        """What is assigned in a function, or annotated, as far as it is a row or a queryset."""
        for node in ast.walk(function):
            if isinstance(node, ast.arg) and node.annotation and self.is_named(node.annotation):
                self.rows.add(node.arg)
            elif isinstance(node, ast.FunctionDef) and self._hears(node):
                self.rows.add("instance")
            elif isinstance(node, ast.Assign) and self.gives_rows(node.value):
                for target in node.targets:
                    self.rows.update(_variables(target))
            elif isinstance(node, ast.AnnAssign) and self.is_named(node.annotation):
                self.rows.update(_variables(node.target))
            elif isinstance(node, ast.NamedExpr) and self.gives_rows(node.value):
                self.rows.add(node.target.id)
            elif isinstance(node, ast.For | ast.AsyncFor | ast.comprehension) and self.gives_rows(
                node.iter
            ):
                self.rows.update(_variables(node.target))

    def _hears(self, function: ast.FunctionDef) -> bool:
        """`@receiver(post_save, sender=Book)`."""
        return any(
            isinstance(one, ast.Call)
            and any(told.arg == "sender" and self.is_model(told.value) for told in one.keywords)
            for one in function.decorator_list
        )

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
            name = _last(node.func)
            if name in GIVES_ROW or name in ("list", "sorted", "iter"):
                return bool(node.args) and (
                    self.is_model(node.args[0]) or self.gives_rows(node.args[0])
                )
        if isinstance(node, ast.Name) and node.id in self.known:
            return True  # form_class = BookForm
        return self.is_manager_of(node)

    def is_named(self, annotation: ast.AST) -> bool:
        """`Book`, `"Book"`, `QuerySet[Book]`, `list[Book] | None`."""
        if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
            return any(one.__name__ in annotation.value for one in self.family)
        return any(self.is_model(node) for node in ast.walk(annotation))


def _accessors(wanted: type[models.Model]) -> set[str]:
    """Under which other models have rows of this one: `author.book_set`."""
    found = set()
    for one in wanted._meta.get_fields():
        remote = getattr(one, "remote_field", None)
        if remote and getattr(one, "concrete", False) and hasattr(remote, "get_accessor_name"):
            found.add(remote.get_accessor_name())
    return {one for one in found if one}


def _pointers(wanted: type[models.Model]) -> set[str]:
    """What other models call the row that they point to: `review.book`."""
    return {
        one.name
        for model in apps.get_models()
        for one in model._meta.concrete_fields
        if one.remote_field
        and isinstance(one.remote_field.model, type)
        and issubclass(one.remote_field.model, wanted)
        and not getattr(one.remote_field, "parent_link", False)
    }


def _is_of_a_project(cls: type) -> bool:
    return not cls.__module__.startswith(("django.", "builtins", "polder."))


def dotted(node: ast.AST) -> str:
    """`a.b.c`; what is none of that is a `?`."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return "?"


def _last(node: ast.AST) -> str:
    return dotted(node).rpartition(".")[2]


def _variables(target: ast.AST) -> Iterator[str]:
    """Also attributes, `self.book`."""
    if isinstance(target, ast.Name | ast.Attribute):
        yield dotted(target)
    elif isinstance(target, ast.Tuple | ast.List):
        for one in target.elts:
            yield from _variables(one)
    elif isinstance(target, ast.Starred | ast.Subscript):
        yield from _variables(target.value)
