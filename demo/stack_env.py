"""Reading `.run/stack.env`, which whoever started the stack has written."""

from __future__ import annotations

import shlex
from pathlib import Path


def read_stack_env(run_dir: Path) -> dict[str, str] | None:
    """Its variables; None when no stack was ever started there."""
    try:
        text = (run_dir / "stack.env").read_text()
    except FileNotFoundError:
        return None
    words = shlex.split(text, comments=True)
    pairs = (word.removeprefix("export ").partition("=") for word in words)
    return {name: value for name, found, value in pairs if found}
