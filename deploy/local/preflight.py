"""What a machine lacks for `make up`, found before anything is started, all of it at once."""

from __future__ import annotations

import getpass
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from .errors import PolderError, owner_of
from .packages import lack_of_packages
from .ports import Ports, taken
from .run_directory import RunDirectory

# Megabytes, as measured and rounded up.
DATA = 150  # PostgreSQL, RabbitMQ, logs and static files after a first start
# RabbitMQ takes no messages when less is free (disk_free_limit): everything would start, and no
# event would move.
BROKER = 200
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - looked at, and left as it was


def check(run: RunDirectory, ports: Ports) -> None:
    """Raises PolderError with everything that is in the way."""
    if found := list(lacking(run, ports)):
        raise PolderError("\n".join(f"{problem.rstrip('.')}." for problem in found))


def lacking(run: RunDirectory, ports: Ports) -> Iterator[str]:
    """Each in words, with what to do."""
    yield from taken(ports.by_variable())
    if lack := lack_of_packages():
        yield lack
    if lack := lack_of_space(run):
        yield lack
    if lack := lack_of_rights(run):
        yield lack
    if not can_write(SHARED_MEMORY):
        yield (
            f"{SHARED_MEMORY} is missing or cannot be written, and Celery's workers keep their "
            "locks there.\n"
            f"Mount it: mount -t tmpfs tmpfs {SHARED_MEMORY} (in a container: --tmpfs "
            f"{SHARED_MEMORY}), and run again"
        )


def lack_of_space(run: RunDirectory) -> str:
    free = free_megabytes(run.root)
    needed = BROKER + (0 if (run.postgres / "data").exists() else DATA)
    if free >= needed:
        return ""
    return (
        f"The disk is too full: {free:,} MB are free in {place_of(run.root)}, and {needed:,} "
        "MB "
        "are needed. Make room, and run again"
    )


def lack_of_rights(run: RunDirectory) -> str:
    place = place_of(run.root)
    if os.access(place, os.W_OK | os.X_OK):
        return ""
    owner, me = owner_of(place), getpass.getuser()
    return (
        f"{me} may not write {place}, which belongs to {owner}. Run as {owner}, or give it "
        "away: "
        f"sudo chown -R {me} {place}"
    )


def free_megabytes(folder: Path) -> int:
    return shutil.disk_usage(place_of(folder)).free // 1_000_000


def disk_is_full(folder: Path) -> str:
    """What to say of something that failed for want of space; nothing when there is enough."""
    free = free_megabytes(folder)
    return (
        f"The disk is full: {free} MB are free in {folder}. Make room, and run again."
        if free < BROKER
        else ""
    )


def can_write(folder: Path) -> bool:
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix="polder-"):
            return True
    except OSError:
        return False


def place_of(path: Path) -> Path:
    """The path itself, or the nearest one above it that exists."""
    return path if path.exists() else place_of(path.parent)
