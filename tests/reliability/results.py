"""The result files, and tables made of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from deploy.local.stack import ROOT

RESULTS = ROOT / "docs" / "reliability"

Result = Mapping[str, Any]


def read(name: str, default: Any) -> Any:
    """What is in docs/reliability/<name>.json. Raises OSError or ValueError when it cannot be read."""
    path = RESULTS / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else default


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Nothing when there is no row."""
    lines = [f"| {' | '.join(cell.replace('|', '&#124;') for cell in row)} |" for row in rows]
    return "\n".join([f"| {' | '.join(head)} |", f"|{'---|' * len(head)}", *lines]) if lines else ""


def most(runs: Iterable[Result], name: str) -> str:
    return f"{max(run[name] for run in runs):,}"


def total(runs: Iterable[Result], name: str) -> str:
    return f"{sum(run[name] for run in runs):,}"


def commits(runs: Iterable[Result]) -> str:
    return ", ".join(dict.fromkeys(str(run["commit"]) for run in runs))
