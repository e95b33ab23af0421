"""Which commit something was measured on."""

from __future__ import annotations

import subprocess

from deploy.local.stack import ROOT

# what is written from what was measured, and so changes while one measures
MEASURED = ("docs/reliability*", "docs/performance*")


def commit() -> str:
    """The short name of what is checked out, with a + when there is more than that, the results
    themselves left out."""
    git = ["git", "-C", str(ROOT)]
    name = subprocess.run(
        [*git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    ).stdout.strip()
    status = [
        *git,
        "status",
        "--porcelain",
        "-uno",
        "--",
        ":/",
        *(f":!/{left_out}" for left_out in MEASURED),
    ]
    changed = subprocess.run(status, capture_output=True, text=True, check=False).stdout.strip()
    return f"{name or 'unknown'}{'+' if changed else ''}"
