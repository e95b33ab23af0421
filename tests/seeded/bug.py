"""A seeded bug: what is wrong with the copy, and what is done to the shop so that it shows."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from deploy.local.stack import ROOT
from tests.faults.scene import Scene

COPIED = ("common", "order_service", "inventory_service", "shipping_service", "deploy", "tests", "manage.py", "pyproject.toml")


@dataclass(frozen=True)
class Edit:
    """`old`, which is once in the file, becomes `new`."""

    file: str
    old: str
    new: str


@dataclass(frozen=True)
class Bug:
    """Either `strike` disturbs a shop made of the copy, or the tests named by `tests` (`python -m tests ...`) are run on it."""

    name: str
    edits: tuple[Edit, ...]
    expected: str  # the invariant, or the test, that has to catch it; others may besides
    strike: Callable[[Scene], None] | None = None
    tests: tuple[str, ...] = ()

    def plant(self, folder: Path) -> Path:
        """A copy of the code with the bug in it. Raises LookupError when the code is no longer what the bug was made for."""
        root = folder / "copy"
        root.mkdir()
        for name in COPIED:
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__", "node_modules"))
            else:
                shutil.copy(ROOT / name, root / name)
        for edit in self.edits:
            path = root / edit.file
            text = path.read_text()
            if text.count(edit.old) != 1:
                raise LookupError(f"{self.name}: {edit.file} has {text.count(edit.old)} times, and not once:\n{edit.old}")
            path.write_text(text.replace(edit.old, edit.new))
        return root
