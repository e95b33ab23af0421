"""Static files, compressed once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from whitenoise.compress import Compressor
from whitenoise.storage import CompressedStaticFilesStorage


class StaticFiles(CompressedStaticFilesStorage):
    """Compresses what browsers load, and at a later `collectstatic` only what has changed."""

    def create_compressor(self, **options: Any) -> Compressor:
        return OnceCompressor(**options)


class OnceCompressor(Compressor):
    def should_compress(self, filename: str) -> bool:
        """Not the source maps, the largest files of all: only who debugs a script loads them."""
        return not filename.endswith(".map") and bool(super().should_compress(filename))

    def compress(self, path: str) -> list[str]:
        done = Path(f"{path}.gz")
        if done.exists() and done.stat().st_mtime == Path(path).stat().st_mtime:
            return []
        return list(super().compress(path))
