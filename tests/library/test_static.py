"""Static files are compressed once, and again when they have changed."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

from polder.api.static import OnceCompressor


def test_once_until_it_changes(tmp_path: Path) -> None:
    script, compressed = tmp_path / "a.js", tmp_path / "a.js.gz"
    script.write_text("old " * 1000)
    compressor = OnceCompressor(quiet=True)

    assert compressor.compress(str(script)) == [str(compressed)]
    assert compressor.compress(str(script)) == []

    script.write_text("new " * 1000)
    os.utime(script, (1, 1))  # as a deployment may have it
    assert compressor.compress(str(script)) == [str(compressed)]
    assert gzip.decompress(compressed.read_bytes()) == script.read_bytes()


def test_what_browsers_load() -> None:
    compressor = OnceCompressor(quiet=True)

    assert compressor.should_compress("a.js")
    assert not compressor.should_compress("a.js.map")
    assert not compressor.should_compress("a.png")
