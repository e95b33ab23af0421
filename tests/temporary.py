"""Folders of a run."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def temporary_folder(what: str) -> Iterator[Path]:
    """Gone afterwards. Not one of pytest's: those are closed to the other user that PostgreSQL may
    run as."""
    with tempfile.TemporaryDirectory(prefix=f"polder-{what}-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


def failpoints_in(folder: Path) -> Path:
    """Where files arm the failpoints of the shop in this folder."""
    failpoints = folder / "failpoints"
    failpoints.mkdir(exist_ok=True)
    return failpoints
