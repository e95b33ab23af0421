"""Room on the disk, and whose it is. Standard library of Python 3.8 only, see `deploy.doctor`."""

from __future__ import annotations

import shutil
from pathlib import Path

# Megabytes, as measured and rounded up.
VENV = 450  # a complete .venv, and what pip unpacks meanwhile
DATA = 150  # PostgreSQL, RabbitMQ, logs and static files after a first start
# RabbitMQ takes no messages when less is free (disk_free_limit): everything would start, and no event would move.
BROKER = 200


def place_of(path: Path) -> Path:
    """The path itself, or the nearest one above it that exists."""
    return path if path.exists() else place_of(path.parent)


def owner_of(path: Path) -> str:
    """The user it belongs to, or whom the nearest folder above it belongs to."""
    place = place_of(path)
    try:
        return place.owner()
    except KeyError:
        return f"user {place.stat().st_uid}"


def free_megabytes(folder: Path) -> int:
    return shutil.disk_usage(str(place_of(folder))).free // 1_000_000


def needed_megabytes(root: Path, run_dir: Path) -> int:
    """What `make up` still needs free for a run directory of the checkout in `root`."""
    venv = 0 if (root / ".venv" / ".installed-requirements.txt").exists() else VENV
    data = 0 if (run_dir / "postgres" / "data").exists() else DATA
    return venv + data + BROKER


def lack_of_space(root: Path, run_dir: Path) -> str:
    """What to say when the disk is too full to start on; nothing when it is not."""
    free, needed = free_megabytes(run_dir), needed_megabytes(root, run_dir)
    if free >= needed:
        return ""
    return f"{free:,} MB of disk are free in {place_of(run_dir)}, and {needed:,} MB are needed"
