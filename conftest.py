"""For all tests: what was imported and collected stays to the end, and is not searched for garbage
again and again."""

from __future__ import annotations

import gc


def pytest_collection_finish() -> None:
    gc.collect()
    gc.freeze()
