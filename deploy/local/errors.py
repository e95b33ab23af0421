"""What can go wrong here. Every message is written for the person in front of the terminal."""

from __future__ import annotations

import errno
import getpass
from collections.abc import Sequence
from pathlib import Path

from .space import BROKER, free_megabytes, owner_of


class PolderError(Exception):
    """Something a person can put right; the message says what and how."""


class Cancelled(PolderError):
    """Starting was interrupted."""


class PortTaken(PolderError):
    """A port that is needed is in use, or is no port at all."""


class Failed(PolderError):
    """A program failed. `tail` holds the last lines of its output, `log` the file with all of it; `mend` says what to do."""

    def __init__(self, message: str, *, command: Sequence[str] = (), log: Path, tail: Sequence[str], mend: str = "") -> None:
        super().__init__(message)
        self.mend = _disk_is_full(log.parent) or mend or "When its cause is mended, run again: every step may be repeated. `make doctor` may find it."
        self.command = tuple(command)
        self.log = log
        self.tail = tuple(tail)

    def __str__(self) -> str:
        shown = [str(self.args[0])]
        if self.command:
            shown.append(f"command: {' '.join(self.command)}")
        return "\n".join([*shown, *(f"  | {line}" for line in self.tail), f"all of its output: {self.log}", self.mend])


class StepFailed(Failed):
    """A command that has to succeed before the processes can start ended with an error."""


class ProcessFailed(Failed):
    """A supervised process does not become ready."""


def explained(error: OSError) -> PolderError | None:
    """An error of the machine that a person can put right, in words; None for any other."""
    path = Path(error.filename) if isinstance(error.filename, str) else None
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return PolderError(f"The disk is full{f': {path} could not be written' if path else ''}. Make room, and run again.")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS) and path:
        me, owner = getpass.getuser(), owner_of(path)
        return PolderError(f"{me} may not write {path}, where all belongs to {owner}. Run as {owner}, or give it away: sudo chown -R {me} ...")
    return None


def _disk_is_full(folder: Path) -> str:
    free = free_megabytes(folder)
    return f"The disk is full: {free} MB are free in {folder}. Make room, and run again." if free < BROKER else ""
