"""`python -m tools.import_rules`: holds the code against the import rules of pyproject.toml, which
say `{service}` for every service."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from importlinter.cli import lint_imports

from deploy.local.services import SERVICES
from tools.each_service import written

ROOT = Path(__file__).resolve().parents[1]


def main() -> int:
    os.chdir(ROOT)
    sys.path[:0] = [str(ROOT), str(ROOT / "common")]  # this checkout's library, as manage.py does
    with tempfile.TemporaryDirectory() as folder:
        rules = Path(folder) / "rules.toml"
        rules.write_text(written((ROOT / "pyproject.toml").read_text(), SERVICES))
        return lint_imports(config_filename=str(rules), no_logo=True)


if __name__ == "__main__":
    sys.exit(main())
