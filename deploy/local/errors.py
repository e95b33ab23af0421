"""What can go wrong here. Every message is written for the person at the terminal."""

from __future__ import annotations

import errno
import getpass
from pathlib import Path

AGAIN = "When its cause is removed, run again: every step may be repeated."


class PolderError(Exception):
    """Something a person can put right; the message says what and how."""


class Refused(PolderError):
    """A server answers, and turns us away; waiting does not help."""

    def __init__(self, server: str, user: str) -> None:
        super().__init__(
            f"{server} refuses the password of its user {user}. The data was made with other "
            "passwords than those of .run/passwords.json: bring that file back,\n"
            "write the right one into it, or delete all data with: make reset"
        )


class Cancelled(PolderError):
    """Starting was interrupted."""


def failed(message: str, log: Path, fix: str = "") -> PolderError:
    """Of a program: with the last lines of its log, and what to do."""
    tail = log.read_text(errors="replace").splitlines()[-30:] if log.exists() else []
    shown = [message, *(f"  | {line}" for line in tail)]
    return PolderError("\n".join([*shown, f"all of its output: {log}", fix or AGAIN]))


def explained(error: OSError) -> PolderError | None:
    """An error of the machine that a person can put right, in words; None for any other."""
    path = Path(error.filename) if isinstance(error.filename, str) else None
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        where = f": {path} could not be written" if path else ""
        return PolderError(f"The disk is full{where}. Make room, and run again.")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS) and path:
        return PolderError(not_ours(path))
    return None


def not_ours(path: Path) -> str:
    """What to say of a place that this user may not write."""
    me, place = getpass.getuser(), nearest(path)
    try:
        owner = place.owner()
    except KeyError:
        owner = f"user {place.stat().st_uid}"
    return (
        f"{me} may not write {path}, which belongs to {owner}.\n"
        f"Run as {owner}, or give it away: sudo chown -R {me} {place}"
    )


def nearest(path: Path) -> Path:
    """The path itself, or the nearest folder above it that exists."""
    return path if path.exists() else nearest(path.parent)
