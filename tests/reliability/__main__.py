"""Writes docs/reliability.md from the results in docs/reliability/, or checks that it was: `python -m tests.reliability [--check]`."""

from __future__ import annotations

import sys

from deploy.local.stack import ROOT
from tests.reliability.page import COMMAND, page

PAGE = ROOT / "docs" / "reliability.md"


def main() -> int:
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(page())
        return 0
    if PAGE.exists() and PAGE.read_text() == page():
        return 0
    print(f"{PAGE.relative_to(ROOT)} does not say what the results say; write it anew with {COMMAND}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
