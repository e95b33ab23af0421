"""How a process says that it is ready, to whoever started it: it touches the file that
POLDER_READY_FILE names."""

from __future__ import annotations

import os
from pathlib import Path


def announce_ready() -> None:
    """May be called again and again; does nothing when nobody asked."""
    path = os.environ.pop("POLDER_READY_FILE", None)
    if path:
        Path(path).touch()
