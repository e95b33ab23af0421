"""Asking a program."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple


class Answer(NamedTuple):
    ok: bool
    text: str  # what it printed; what it complained of, if it failed


def ask(command: Sequence[str], cwd: Path, seconds: float = 20.0) -> Answer:
    """Run a program that changes nothing. Never raises: a program that is missing, or takes longer, has not answered."""
    try:
        done = subprocess.run(list(command), cwd=str(cwd), stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds)
    except (OSError, subprocess.TimeoutExpired) as error:
        return Answer(False, str(error))
    said = done.stdout if done.returncode == 0 else done.stderr or done.stdout
    return Answer(done.returncode == 0, " ".join(said.decode(errors="replace").split()))
