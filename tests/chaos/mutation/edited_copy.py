"""A copy of the code that differs from it in known places: with a bug in it, or one version
ahead.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from deploy.local.stack import ROOT


@dataclass(frozen=True)
class Edit:
    """`old`, which is once in the file, becomes `new`."""

    file: str
    old: str
    new: str


def edited_copy(folder: Path, edits: Iterable[Edit]) -> Path:
    """The root of the copy, in `folder`. Raises LookupError when the code is no longer what the
    edits were made for."""
    root = folder / "copy"
    root.mkdir()
    for entry in ROOT.iterdir():
        # git's, the environment, what runs, what is built
        if entry.name.startswith(".") or entry.name == "build":
            continue
        if entry.is_dir():
            shutil.copytree(
                entry,
                root / entry.name,
                ignore=shutil.ignore_patterns("__pycache__", "node_modules"),
            )
        else:
            shutil.copy(entry, root / entry.name)
    for edit in edits:
        path = root / edit.file
        text = path.read_text()
        if text.count(edit.old) != 1:
            raise LookupError(
                f"{edit.file} has {text.count(edit.old)} times, and not once:\n{edit.old}"
            )
        path.write_text(text.replace(edit.old, edit.new))
    return root
