"""A Django project as it lies in a folder: where its settings and its apps are."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

_NAMED = re.compile(r"""DJANGO_SETTINGS_MODULE["']\s*,\s*["']([\w.]+)["']""")


class NoProject(ValueError):
    """The folder has no Django project that can be prepared; says what is missing."""


@dataclass(frozen=True)
class Project:
    root: Path
    module: str  # of the settings
    settings: Path
    above: Project | None = None  # whose settings begin with these

    @classmethod
    def find(cls, root: Path, module: str | None = None) -> Project:
        """By `module`, the variable DJANGO_SETTINGS_MODULE, or what manage.py names. Raises
        NoProject."""
        module = module or os.environ.get("DJANGO_SETTINGS_MODULE") or _named(root / "manage.py")
        if "." not in module:
            raise NoProject(f"the settings module {module} is in no package; move it into one")
        for found in (f"{module.replace('.', '/')}.py", f"{module.replace('.', '/')}/__init__.py"):
            if path := _one(root, found, f"the settings module {module}"):
                return cls(root, module, path)
        raise NoProject(f"the settings module {module} is not in {root}")

    def beneath(self) -> Project | None:
        """The same with the settings that these begin with (`from .base import *`), if there are
        such in the project. Raises OSError."""
        try:
            tree = ast.parse(self.settings.read_bytes())
        except (SyntaxError, ValueError):
            return None
        for node in tree.body:
            if isinstance(node, ast.ImportFrom) and node.names[0].name == "*":
                folder = self.settings.parent
                for _ in range(node.level - 1):
                    folder = folder.parent
                package = self._importable(folder) if node.level else []
                with suppress(NoProject):
                    found = Project.find(self.root, ".".join([*package, node.module or ""]))
                    return replace(found, above=self)
        return None

    @property
    def package(self) -> str:
        """Which the settings module is in."""
        return self.module.rpartition(".")[0]

    def service(self) -> str:
        """The project's name, as far as a service may be named so. Raises NoProject."""
        name = re.sub("[^a-z]", "", self.module.partition(".")[0].lower())
        if not name or name in ("config", "settings", "project", "src", "core"):
            raise NoProject("the project's name says nothing; name the service: --service bookshop")
        return name

    def app(self, label: str) -> Path:
        """The folder of an app, wherever in the project it is. Raises NoProject."""
        place = label.replace(".", "/")
        for models in ("models.py", "models/__init__.py"):
            if path := _one(self.root, f"{place}/{models}", f"the app {label}"):
                return path.parent if models == "models.py" else path.parents[1]
        raise NoProject(f"there is no app {label} with models in {self.root}")

    def _importable(self, folder: Path) -> list[str]:
        """The name of the package that `folder` is, as the settings module has it."""
        packages = self.module.split(".")
        packages = packages if self.settings.name == "__init__.py" else packages[:-1]
        up = len(self.settings.parent.relative_to(folder).parts)
        return packages[: len(packages) - up]


def _one(root: Path, place: str, what: str) -> Path | None:
    """The file `place`, in the root or a folder below it. Raises NoProject if there are several."""
    if (root / place).is_file():
        return root / place
    found = [path for path in _files(root, Path(place).name) if path.match(f"*/{place}")]
    if len(found) > 1:
        places = ", ".join(str(path.relative_to(root)) for path in sorted(found))
        raise NoProject(f"{what} is in several places: {places}; begin in the right one's folder")
    return found[0] if found else None


def _files(root: Path, name: str) -> Iterator[Path]:
    """Of the project: not those of environments, packages and builds."""
    for folder, folders, files in os.walk(root):
        here = Path(folder)
        folders[:] = [one for one in folders if _may_be_ours(here / one)]
        if name in files:
            yield here / name


def _may_be_ours(folder: Path) -> bool:
    others = ("node_modules", "site-packages", "build", "dist", "__pycache__")
    return not (
        folder.name.startswith(".") or folder.name in others or (folder / "pyvenv.cfg").exists()
    )


def _named(manage: Path) -> str:
    try:
        found = _NAMED.search(manage.read_text(encoding="utf-8"))
    except OSError:
        raise NoProject(f"there is no manage.py in {manage.parent}; begin where it is") from None
    except UnicodeDecodeError:
        raise NoProject(f"{manage} is not in UTF-8") from None
    if not found:
        raise NoProject("manage.py names no settings module; name it: --settings shop.settings")
    return found[1]
