"""What can go wrong here. Every message is written for the person in front of the terminal."""

from __future__ import annotations

import errno
import getpass
from collections.abc import Sequence
from pathlib import Path


class PolderError(Exception):
    """Something a person can put right; the message says what and how."""


class Cancelled(PolderError):
    """Starting was interrupted."""


class AlreadyRunning(PolderError):
    """Another `make up` holds the run directory."""


class PortTaken(PolderError):
    """A port that is needed is in use, or is no port at all."""


class Refused(PolderError):
    """A server answers, and turns us away; waiting does not help."""


class Failed(PolderError):
    """A program failed. `tail` holds the last lines of its output, `log` the file with all of
    it.
    """

    def __init__(self, message: str, *, log: Path, tail: Sequence[str], fix: str = "") -> None:
        super().__init__(message)
        self.log = log
        self.tail = tuple(tail)
        self.fix = fix or "When its cause is removed, run again: every step may be repeated."

    def __str__(self) -> str:
        shown = [str(self.args[0]), *(f"  | {line}" for line in self.tail)]
        return "\n".join([*shown, f"all of its output: {self.log}", self.fix])


class StepFailed(Failed):
    """A command that has to succeed before the processes can start ended with an error."""


class ProcessFailed(Failed):
    """A supervised process does not become ready."""


def explained(error: OSError) -> PolderError | None:
    """An error of the machine that a person can put right, in words; None for any other."""
    path = Path(error.filename) if isinstance(error.filename, str) else None
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        where = f": {path} could not be written" if path else ""
        return PolderError(f"The disk is full{where}. Make room, and run again.")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS) and path:
        me, owner = getpass.getuser(), owner_of(path)
        return PolderError(
            f"{me} may not write {path}, where all belongs to {owner}.\nRun as {owner}, or give "
            f"it away: sudo chown -R {me} ..."
        )
    return None


def owner_of(path: Path) -> str:
    """The user to whom it belongs, or to whom the nearest folder above it belongs."""
    place = path if path.exists() else path.parent
    try:
        return place.owner() if place.exists() else owner_of(place)
    except KeyError:
        return f"user {place.stat().st_uid}"
