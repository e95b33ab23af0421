"""What is in the way of `make up` on this machine, found before anything is started."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from .errors import PolderError, nearest
from .packages import lack_of_packages, rabbitmq_version
from .ports import Ports, taken
from .run_directory import RunDirectory

# Megabytes, as measured and rounded up.
DATA = 150  # PostgreSQL, RabbitMQ, logs and static files after a first start
# RabbitMQ takes no messages when less is free (disk_free_limit): everything would start, and no
# event would move.
BROKER = 200
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - looked at, and left as it was


def check(run: RunDirectory, ports: Ports) -> None:
    """Raises PolderError with everything that is in the way, each with what to do."""
    if found := list(_found(run, ports)):
        raise PolderError("\n".join(f"{problem}." for problem in found))


def _found(run: RunDirectory, ports: Ports) -> Iterator[str]:
    yield from taken(ports)
    if lack := lack_of_packages():
        yield lack
    data = run.postgres / "data"
    if data.exists() and not run.passwords.exists():
        yield (
            f"{data} is there, and its passwords, {run.passwords}, are not. Bring that file back, "
            "or delete all data with: make reset"
        )
    if lack := other_rabbitmq(run):
        yield lack
    free, needed = free_megabytes(run.root), BROKER
    needed += 0 if data.exists() else DATA
    if free < needed:
        yield (
            f"The disk is too full: {free:,} MB are free in {nearest(run.root)}, and {needed:,} MB "
            "are needed. Make room, and run again"
        )
    if not os.access(SHARED_MEMORY, os.W_OK | os.X_OK):
        yield (
            f"{SHARED_MEMORY} is missing or cannot be written, and Celery's workers keep their "
            f"locks there.\nMount it: mount -t tmpfs tmpfs {SHARED_MEMORY} (in a container: "
            f"--tmpfs {SHARED_MEMORY}), and run again"
        )


def other_rabbitmq(run: RunDirectory) -> str:
    """What to say of data that the installed RabbitMQ cannot read. It reads that of its own series
    and of the one before; any 4 reads 3.13's."""
    noted, installed = run.rabbitmq / "version", rabbitmq_version()
    if not noted.exists() or not installed:
        return ""
    made = tuple(map(int, noted.read_text().split(".")))
    any_4 = made >= (3, 13) and installed[0] == 4 and installed >= made
    if any_4 or installed in (made, (made[0], made[1] + 1)):
        return ""
    return (
        f"The data in {run.rabbitmq} was made by RabbitMQ {noted.read_text()}; "
        f"{'.'.join(map(str, installed))} is installed, which cannot read it.\n"
        "Install the former again; or let it begin with an empty broker and announce all events "
        'again, as in docs/operations.md, "Another RabbitMQ, older data"'
    )


def free_megabytes(folder: Path) -> int:
    return shutil.disk_usage(nearest(folder)).free // 1_000_000


def disk_is_full(folder: Path) -> str:
    """What to say of something that failed for want of space; nothing when there is enough."""
    free = free_megabytes(folder)
    return (
        f"The disk is full: {free} MB are free in {folder}. Make room, and run again."
        if free < BROKER
        else ""
    )
