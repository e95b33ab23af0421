"""`make docs`: the pages as a site, which needs nothing of the internet, with a reference from the
docstrings and llms.txt. Any warning fails it."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tools.links import ROOT
from tools.site import llms
from tools.site.reference import reference
from tools.site.staging import Staging

BIN = Path(sys.executable).parent
FETCHED = "https://unpkg.com/iframe-worker/shim"
OUTPUT = ROOT / "build" / "docs"


def build(folder: Path) -> Path:
    """Where the site is, in `folder`, which is made anew. Raises CalledProcessError."""
    shutil.rmtree(folder, ignore_errors=True)
    staging = Staging(folder / "pages")
    pages = staging.stage()
    pages.append(Path("docs/reference.md"))
    staging.write(pages[-1], reference())
    for asset in (ROOT / "tools/site/assets").iterdir():
        shutil.copy(asset, folder / "pages")
    shutil.copy(ROOT / "mkdocs.yml", folder)
    command = [str(BIN / "zensical"), "build", "--strict", "--config-file", "mkdocs.yml"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    _of_its_own(folder / "site")
    llms.write(folder / "pages", folder / "site", pages)
    return folder / "site"


def _of_its_own(site: Path) -> None:
    """What Zensical would fetch from the internet stands beside the pages."""
    for page in site.rglob("*.html"):
        own = os.path.relpath(site / "iframe-worker.js", page.parent)
        page.write_text(page.read_text().replace(FETCHED, own))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.site", description=__doc__)
    parser.add_argument("--check", action="store_true", help="build it and throw it away")
    check = parser.parse_args().check
    with TemporaryDirectory() as temporary:
        try:
            site = build(Path(temporary) / "docs" if check else OUTPUT)
        except subprocess.CalledProcessError as error:
            print(f"{error.stdout}{error.stderr}")
            return 1
    print("the site builds" if check else f"open {site / 'index.html'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
