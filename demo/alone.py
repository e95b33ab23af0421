"""One demo at a time: two would put back what the other has taken away."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from demo.errors import DemoFailed


@contextmanager
def alone(run_dir: Path) -> Iterator[None]:
    """Raises DemoFailed while another one runs on the same stack. The lock ends with its process, however that ends."""
    run_dir.mkdir(parents=True, exist_ok=True)
    with (run_dir / "demo.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DemoFailed("Another demo runs on this shop. Wait until it has ended.") from None
        yield
