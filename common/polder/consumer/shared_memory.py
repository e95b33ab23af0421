"""What a worker has loaded, its children share with it until somebody writes to it. Python's
collector writes into each object that it looks at, and would make a copy of nearly all of it in
each process, some time after the start."""

from __future__ import annotations

import gc
from typing import Any

from celery.signals import worker_init


def share_with_children() -> None:
    """To be called by a worker's command, before there are children."""
    worker_init.connect(_freeze, weak=False)


def _freeze(**_: Any) -> None:
    """The collector never looks again at what there is by now."""
    gc.collect()
    gc.freeze()
