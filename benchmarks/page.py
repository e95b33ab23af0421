"""Writes docs/performance.md, its charts and README's figures from docs/performance/results.json,
or checks that they were."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

from benchmarks import sections
from benchmarks.drawings import drawings
from benchmarks.report import RECORD, Result, read
from deploy.local.stack import ROOT

COMMAND = "python -m benchmarks.page"
PAGE = ROOT / "docs" / "performance.md"
README = ROOT / "README.md"
BEGINNING, END = "<!-- figures -->\n", "<!-- /figures -->"


def files(results: Mapping[str, Result]) -> dict[Path, str]:
    """Every file that is made of the results, and what has to be in it. Raises KeyError when a
    result lacks what the page names."""
    found = RECORD.with_name("found.md")
    page = sections.page(results, found.read_text() if found.exists() else "")
    charts = {RECORD.with_name(f"{name}.svg"): drawn for name, drawn in drawings(results).items()}
    return {
        PAGE: page,
        README: with_figures(README.read_text(), sections.figures(results)),
        **charts,
    }


def with_figures(readme: str, figures: str) -> str:
    """The README with other figures between its two marks. Raises ValueError when they are not
    there."""
    before, beginning, rest = readme.partition(BEGINNING)
    _, end, after = rest.partition(END)
    if not beginning or not end:
        raise ValueError(f"{README.name} has no {BEGINNING.strip()} and {END}")
    return f"{before}{beginning}{figures}\n{end}{after}"


def write() -> str:
    """Says what was written."""
    written = files(read())
    for path, content in written.items():
        path.write_text(content)
    return f"written: {', '.join(str(path.relative_to(ROOT)) for path in written)}"


def main() -> int:
    parser = argparse.ArgumentParser(
        prog=COMMAND, description=__doc__, epilog=f"Example: {COMMAND} --check"
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help="only compare; exit status 1 when a file says anything else than the results",
    )
    if not parser.parse_args().check:
        print(write())
        return 0
    other = [
        path
        for path, content in files(read()).items()
        if not path.exists() or path.read_text() != content
    ]
    for path in other:
        print(
            f"{path.relative_to(ROOT)} does not say what {RECORD.relative_to(ROOT)} says; write "
            f"it anew with {COMMAND}"
        )
    return 1 if other else 0


if __name__ == "__main__":
    sys.exit(main())
