"""A Django project as it lies in a folder: where its settings and its apps are."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

_NAMED = re.compile(r"""DJANGO_SETTINGS_MODULE["']\s*,\s*["']([\w.]+)["']""")


class NoProject(ValueError):
    """The folder has no Django project that can be prepared; says what is missing."""


@dataclass(frozen=True)
class Project:
    root: Path
    module: str  # of the settings
    settings: Path

    @classmethod
    def find(cls, root: Path, module: str | None = None) -> Project:
        """By `module`, the variable DJANGO_SETTINGS_MODULE, or what manage.py names. Raises
        NoProject."""
        module = module or os.environ.get("DJANGO_SETTINGS_MODULE") or _named(root / "manage.py")
        if "." not in module:
            raise NoProject(f"the settings module {module} is in no package; move it into one")
        place = root.joinpath(*module.split("."))
        for path in (place.with_suffix(".py"), place / "__init__.py"):
            if path.is_file():
                return cls(root, module, path)
        raise NoProject(f"the settings module {module} is not in {root}")

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
        """The folder of an app. Raises NoProject."""
        folder = self.root.joinpath(*label.split("."))
        if not (folder / "models.py").is_file() and not (folder / "models").is_dir():
            raise NoProject(f"there is no app {label} with models in {self.root}")
        return folder


def _named(manage: Path) -> str:
    try:
        found = _NAMED.search(manage.read_text(encoding="utf-8"))
    except OSError:
        raise NoProject(f"there is no manage.py in {manage.parent}; begin where it is") from None
    if not found:
        raise NoProject("manage.py names no settings module; name it: --settings shop.settings")
    return found[1]
