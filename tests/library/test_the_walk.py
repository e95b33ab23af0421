"""The walk of one event, as docs/architecture.md tells it, stays one that a newcomer can read."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MOST_FILES, MOST_LINES = 20, 2_000


def test_it_is_few_files_and_few_lines() -> None:
    _, _, walk = (ROOT / "docs/architecture.md").read_text().partition("## The walk of one event\n")
    rows = [row for row in walk.partition("\n## ")[0].splitlines() if row.startswith("|")]
    read = {
        file
        for row in rows
        if "*beside:*" not in row
        for file in re.findall(r"\]\(\.\./([\w/]+\.py)\)", row)
    }
    lines = {file: len((ROOT / file).read_text().splitlines()) for file in sorted(read)}

    assert "order_service/services.py" in lines
    assert len(lines) <= MOST_FILES, lines
    assert sum(lines.values()) <= MOST_LINES, lines
