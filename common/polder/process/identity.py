"""Which process this is, in a word by which another process of the same machine can tell whether it
still lives."""

from __future__ import annotations

import os
import socket
from pathlib import Path


def this_process() -> str:
    return _named(os.getpid())


def lives(process: str) -> bool:
    """Whether the process that called itself so lives; False where nobody can tell, as of another
    machine's."""
    number = process.rpartition(":")[0].rpartition(":")[2]
    return number.isdigit() and _named(int(number)) == process


def _named(number: int) -> str:
    """With when it began, by the kernel's clock: numbers are given again."""
    try:
        state, *rest = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if state in "ZX" else f"{socket.gethostname()[:60]}:{number}:{rest[18]}"
