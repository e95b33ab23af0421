"""RabbitMQ's programs from another root directory, with another version of them, when
POLDER_RABBITMQ_ROOT names one."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

VARIABLE = "POLDER_RABBITMQ_ROOT"
# Each command becomes the next, so the process that was begun is the program's own. The mounts end
# with it.
ENTER = (
    'root=$1 folder=$2; shift 2; mount --rbind /proc "$root/proc"; mount --rbind /dev "$root/dev"; \
mkdir -p "$root$folder"; mount --bind "$folder" "$root$folder"; exec chroot "$root" "$@"'
)


def rabbitmq_root() -> Path | None:
    root = os.environ.get(VARIABLE)
    return Path(root) if root else None


def inside(command: Sequence[str], folder: Path) -> tuple[str, ...]:
    """The command as it is, or run in that root, where `folder` has the same path as outside. The
    latter needs to be root."""
    root = rabbitmq_root()
    return (
        tuple(command)
        if root is None
        else (
            "unshare",
            "--mount",
            "--",
            "sh",
            "-ec",
            ENTER,
            "sh",
            str(root),
            str(folder),
            *command,
        )
    )
