"""Where in our own code an error came about: what tells a bug that hits many events from many bad
events."""

from __future__ import annotations

import sys
import traceback as tracebacks
from pathlib import Path
from types import TracebackType

_NOT_OURS = (
    "site-packages",
    "dist-packages",
    f"lib/python{sys.version_info.major}.{sys.version_info.minor}/",
    "<frozen",
)


def origin_of(error: BaseException) -> str:
    """`KeyError in order_service/reconcile.py:reconcile_orders`. Without the error's text, which
    may name the key."""
    return f"{type(error).__name__} in {_innermost(error.__traceback__)}"


def _innermost(traceback: TracebackType | None) -> str:
    """The last frame that belongs neither to Python nor to an installed package."""
    frames = [
        (frame.f_code.co_filename, frame.f_code.co_name)
        for frame, _ in tracebacks.walk_tb(traceback)
    ]
    ours = [frame for frame in frames if not any(part in frame[0] for part in _NOT_OURS)] or frames
    if not ours:
        return "nowhere"
    file, function = ours[-1]
    return f"{'/'.join(Path(file).parts[-2:])}:{function}"
