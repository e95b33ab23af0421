"""A settings module as text: what it has, and what it lacks."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from polder.init import texts
from polder.init.files import lines_of
from polder.init.source import first_place, line_end


class NotUnderstood(ValueError):
    """The settings are written in a way that is not changed by a program; says which."""


class Unfit(ValueError):
    """The project cannot take events as it is; says what has to be otherwise."""


@dataclass(frozen=True)
class Settings:
    """What the text says, as far as it matters here."""

    source: str
    tree: ast.Module

    @classmethod
    def read(cls, source: str) -> Settings:
        """Raises NotUnderstood."""
        try:
            return cls(source, ast.parse(source))
        except (SyntaxError, ValueError) as error:
            raise NotUnderstood(f"it is no Python: {error}") from None

    @property
    def has_polder(self) -> bool:
        return self._value("POLDER") is not None

    @property
    def service(self) -> str:
        """As POLDER names it; empty where it does not, or not in a text that is written out."""
        value = self._value("POLDER")
        said = _member(value, "SERVICE") if isinstance(value, ast.Dict) else None
        return str(said.value) if isinstance(said, ast.Constant) else ""

    @property
    def has_apps(self) -> bool:
        return self._value("INSTALLED_APPS") is not None

    @property
    def has_databases(self) -> bool:
        return self._value("DATABASES") is not None

    def says(self, word: str) -> bool:
        """Whether a text anywhere in it has `word` in it."""
        return any(word in text for text in _texts(self.tree))

    @property
    def apps_are(self) -> type[list[str]] | type[tuple[str, ...]] | None:
        """Whether INSTALLED_APPS is a list or a tuple; None where it is not written out."""
        value = self._value("INSTALLED_APPS")
        if self._is(ast.List, value):
            return list
        return tuple if self._is(ast.Tuple, value) else None

    def missing_apps(self) -> list[str]:
        """Raises NotUnderstood."""
        if not self.has_apps:
            raise NotUnderstood("there is no INSTALLED_APPS in it")
        listed = set(self._listed())
        return [app for app in texts.APPS if app not in listed]

    def database_block(self) -> str:
        """What the default database lacks; nothing if it has it. Raises NotUnderstood, Unfit."""
        if self.says("lock_timeout"):
            return ""
        value = self._value("DATABASES")
        default = _member(value, "default") if isinstance(value, ast.Dict) else None
        if default is None:
            raise NotUnderstood("DATABASES is not a dict with a default that is written out in it")
        if not isinstance(default, ast.Dict):
            return texts.database(has_options=True)
        engine = _member(default, "ENGINE")
        if isinstance(engine, ast.Constant) and "postg" not in (named := str(engine.value)):
            raise Unfit(
                f"the database is {named}, and has to be PostgreSQL. Move the project to "
                "django.db.backends.postgresql first"
            )
        is_mixed = None in default.keys  # with `**`
        has_options = is_mixed or _member(default, "OPTIONS") is not None
        return texts.database(has_options=has_options)

    def check_time_zone(self) -> None:
        """Raises Unfit."""
        value = self._value("USE_TZ")
        if isinstance(value, ast.Constant) and value.value is False:
            raise Unfit(
                "USE_TZ is False, and has to be True: times of events have a zone. Django's "
                "documentation says how a project changes to it (Time zones, Migration guide)"
            )

    def with_block(self, block: str) -> str:
        """The whole text with `block` at its end, and `import os` where the block needs it."""
        lines, end = lines_of(self.source), line_end(self.source)
        if "os." in block and not self._imports_os():
            lines.insert(self._first_import(lines), f"import os{end}")
        text = "".join(lines).rstrip("\r\n")
        return text + f"\n\n{block}\n".replace("\n", end)

    def _value(self, name: str, before: ast.expr | None = None) -> ast.expr | None:
        """What is bound to it last, at the top of the module, or above the statement that `before`
        is a part of."""
        found = None
        for node in self.tree.body:
            if before and (node.end_lineno or 0, node.end_col_offset or 0) > _place(before):
                break
            if isinstance(node, ast.Assign):
                targets = node.targets
            elif isinstance(node, ast.AnnAssign):
                targets = [node.target]
            else:
                continue
            if any(isinstance(one, ast.Name) and one.id == name for one in targets):
                found = node.value
        return found

    def _listed(self) -> Iterator[str]:
        """What stands in lists at the top of the module."""
        for node in self.tree.body:
            if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
                value = node.value
                if isinstance(value, ast.List | ast.Tuple | ast.BinOp):
                    yield from _texts(value)

    def _is(self, kind: type[ast.List | ast.Tuple], value: ast.expr | None) -> bool:
        if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add):
            return self._is(kind, value.left) and self._is(kind, value.right)
        if isinstance(value, ast.Name):
            bound = self._value(value.id, before=value)
            return isinstance(bound, kind | ast.BinOp) and self._is(kind, bound)
        return isinstance(value, kind)

    def _imports_os(self) -> bool:
        return any(
            isinstance(node, ast.Import)
            and any(one.name == "os" and one.asname is None for one in node.names)
            for node in self.tree.body
        )

    def _first_import(self, lines: list[str]) -> int:
        """The index of its line; that of the first one where an import may stand if there is
        none."""
        for node in self.tree.body:
            is_future = isinstance(node, ast.ImportFrom) and node.module == "__future__"
            if isinstance(node, ast.Import | ast.ImportFrom) and not is_future:
                return node.lineno - 1
        return first_place(self.tree, lines)


def _member(value: ast.Dict, key: str) -> ast.expr | None:
    for name, member in zip(value.keys, value.values, strict=True):
        if isinstance(name, ast.Constant) and name.value == key:
            return member
    return None


def _place(node: ast.expr) -> tuple[int, int]:
    return node.lineno, node.col_offset


def _texts(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
