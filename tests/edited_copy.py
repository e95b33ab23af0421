"""A copy of the code that differs from it in known places: with a bug in it, or one version ahead."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from deploy.local.stack import ROOT

FOLDERS = ("common", "order_service", "inventory_service", "shipping_service", "deploy", "tests", "outside", "demo", "examples", "benchmarks")
COPIED = (*FOLDERS, "manage.py", "pyproject.toml")


@dataclass(frozen=True)
class Edit:
    """`old`, which is once in the file, becomes `new`."""

    file: str
    old: str
    new: str


def edited_copy(folder: Path, edits: Iterable[Edit]) -> Path:
    """The root of the copy, in `folder`. Raises LookupError when the code is no longer what the edits were made for."""
    root = folder / "copy"
    root.mkdir()
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__", "node_modules"))
        else:
            shutil.copy(ROOT / name, root / name)
    for edit in edits:
        path = root / edit.file
        text = path.read_text()
        if text.count(edit.old) != 1:
            raise LookupError(f"{edit.file} has {text.count(edit.old)} times, and not once:\n{edit.old}")
        path.write_text(text.replace(edit.old, edit.new))
    return root
