"""What can go wrong here. Every message is written for the person in front of the terminal."""

from collections.abc import Sequence
from pathlib import Path


class PolderError(Exception):
    """Something a person can put right; the message says what and how."""


class Cancelled(PolderError):
    """Starting was interrupted."""


class PortTaken(PolderError):
    """A port that is needed is in use, or is no port at all."""


class Failed(PolderError):
    """A program failed. `tail` holds the last lines of its output, `log` the file with all of it."""

    def __init__(self, message: str, *, command: Sequence[str] = (), log: Path, tail: Sequence[str]) -> None:
        super().__init__(message)
        self.command = tuple(command)
        self.log = log
        self.tail = tuple(tail)

    def __str__(self) -> str:
        shown = [str(self.args[0])]
        if self.command:
            shown.append(f"command: {' '.join(self.command)}")
        return "\n".join([*shown, *(f"  | {line}" for line in self.tail), f"all of its output: {self.log}"])


class StepFailed(Failed):
    """A command that has to succeed before the processes can start ended with an error."""


class ProcessFailed(Failed):
    """A supervised process does not become ready."""
