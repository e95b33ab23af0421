"""Writes docs/reliability.md from the results in docs/reliability/, or checks that it was."""

from __future__ import annotations

import argparse
import sys

from deploy.local.stack import ROOT
from tests.chaos.report.page import COMMAND, page

PAGE = ROOT / "docs" / "reliability.md"


def main() -> int:
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__)
    parser.add_argument(
        "--check", action="store_true", help="only compare, and fail when it differs"
    )
    if not parser.parse_args().check:
        PAGE.write_text(page())
        return 0
    if PAGE.exists() and PAGE.read_text() == page():
        return 0
    print(f"{PAGE.relative_to(ROOT)} does not say what the results say; write it with {COMMAND}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
