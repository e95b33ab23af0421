"""The files of a project: its own, and not what is installed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from django.apps import apps
from django.conf import settings

NOT_OURS = {"site-packages", "node_modules", "__pycache__", "build", "dist"}
LARGEST = 2_000_000  # bytes; what is larger nobody has written


def root() -> Path:
    """Where manage.py is, as a rule."""
    return Path(getattr(settings, "BASE_DIR", None) or Path.cwd()).resolve()


def files(*endings: str) -> Iterator[Path]:
    """With one of the endings; below the project's folder, and of apps that lie elsewhere."""
    seen: set[Path] = set()
    elsewhere = [
        Path(app.path).resolve()
        for app in apps.get_app_configs()
        if not NOT_OURS & set(Path(app.path).parts) and app.name.partition(".")[0] != "polder"
    ]
    for top in [root(), *elsewhere]:
        for folder, folders, names in os.walk(top):
            folders[:] = sorted(
                one
                for one in folders
                if one not in NOT_OURS
                and not one.startswith(".")
                and not (Path(folder) / one / "pyvenv.cfg").exists()
            )
            for name in sorted(names):
                path = Path(folder) / name
                if path.suffix in endings and path not in seen and path.stat().st_size < LARGEST:
                    seen.add(path)
                    yield path


def module_of(path: Path) -> str:
    """Its dotted name, by the packages that it lies in."""
    parts = [] if path.stem == "__init__" else [path.stem]
    folder = path.parent
    while (folder / "__init__.py").exists():
        parts.insert(0, folder.name)
        folder = folder.parent
    return ".".join(parts)


def is_test(path: Path) -> bool:
    name = path.name
    return (
        name.startswith("test_")
        or name.endswith("_test.py")
        or name in ("tests.py", "conftest.py", "factories.py")
        or bool({"tests", "test"} & set(path.relative_to(path.anchor).parts[-4:-1]))
    )
