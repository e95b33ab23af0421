"""A model as it stands in an app's files."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from polder.init.fields import Member, is_field, is_key, member_of
from polder.init.project import NoProject
from polder.init.source import parsed, text_of

OURS = ("version", "created_at", "updated_at")  # every aggregate has them, and no event says them


@dataclass(frozen=True)
class Model:
    """The class in `path`, by its name."""

    path: Path
    up: int  # the packages between the module and the app, and one
    source: str
    node: ast.ClassDef

    @classmethod
    def find(cls, app: Path, name: str, changed: Mapping[Path, str]) -> Model:
        """In an app's models, with what some files are to be. Raises NoProject and OSError."""
        paths = modules(app)
        for path in paths:
            source = changed.get(path) or text_of(path)
            for node in parsed(source, path).body:
                if isinstance(node, ast.ClassDef) and node.name == name:
                    model = cls(path, len(path.relative_to(app).parts), source, node)
                    model.check_table()
                    return model
        places = ", ".join(map(str, paths))
        raise NoProject(f"there is no class {name} in {places}: is it spelled otherwise?")

    def check_table(self) -> None:
        """Raises NoProject where it has none of its own that migrations make."""
        name = self.node.name
        for node in self.node.body:
            meta = node if isinstance(node, ast.ClassDef) and node.name == "Meta" else None
            said = [ast.unparse(one) for one in meta.body] if meta else []
            if "abstract = True" in said:
                raise NoProject(f"{name} is abstract: publish the models that inherit from it")
            if "proxy = True" in said:
                raise NoProject(f"{name} is a proxy: publish the model that it stands for")
            if "managed = False" in said:
                raise NoProject(
                    f"{name} has managed = False, and the columns of an aggregate come by a "
                    "migration: let Django manage its table first"
                )

    @property
    def is_plain(self) -> bool:
        """Whether a program can make an aggregate of it."""
        bases = [ast.unparse(base) for base in self.node.bases]
        is_written_out = self.node.body[0].lineno > self.node.lineno and "\t" not in self.source
        return is_written_out and bases in (["models.Model"], ["Model"])

    @property
    def key(self) -> str:
        """The member of its state that names it."""
        return f"{snake(self.node.name)}_id"

    def members(self) -> list[Member]:
        """Of all that it has but its key and what every aggregate has. Raises NoProject."""
        fields = {name: call for name, call in self.fields() if not is_key(call)}
        members = [member_of(name, call) for name, call in fields.items() if name not in OURS]
        for one in members:
            if one.name == self.key:
                raise NoProject(
                    f"{self.node.name} has {self.key!r}, as the key of its contract is named: "
                    "rename the field, or write the contract by hand"
                )
        return members

    def fields(self) -> Iterator[tuple[str, ast.Call]]:
        """By their names as they are written."""
        for name, node in self._assigned():
            if isinstance(node.value, ast.Call) and is_field(node.value):
                yield name, node.value

    def attributes(self) -> Iterator[str]:
        """What else stands in the class."""
        fields = {name for name, _ in self.fields()}
        yield from (name for name, _ in self._assigned() if name not in fields)
        yield from (node.name for node in self.node.body if isinstance(node, ast.FunctionDef))

    def _assigned(self) -> Iterator[tuple[str, ast.Assign | ast.AnnAssign]]:
        for node in self.node.body:
            if isinstance(node, ast.Assign | ast.AnnAssign):
                target = node.targets[0] if isinstance(node, ast.Assign) else node.target
                if isinstance(target, ast.Name):
                    yield target.id, node


def modules(app: Path) -> list[Path]:
    """Those of an app's models, of which the first is the one that Django imports."""
    package = app / "models"
    paths = [app / "models.py", package / "__init__.py", *sorted(package.rglob("*.py"))]
    return [path for path in dict.fromkeys(paths) if path.is_file()]


def snake(name: str) -> str:
    return re.sub("(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
