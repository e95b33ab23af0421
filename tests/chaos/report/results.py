"""The results of chaos runs, as files that are checked in: of each thing that was run the newest
results, and the totals of all there ever were."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from deploy.local.stack import ROOT
from tools.checked_out import commit

FOLDER = ROOT / "docs" / "reliability"
KEPT = 2  # newest results of a name

Result = Mapping[str, Any]


@dataclass
class Record:
    """Of one fault, mutation, storm, ...: `totals` sums each number of all runs; `latest` ends with
    the newest."""

    runs: int = 0
    totals: dict[str, float] = field(default_factory=dict)
    latest: list[dict[str, Any]] = field(default_factory=list)

    def add(self, result: Result) -> None:
        self.runs += 1
        for name, value in result.items():
            if isinstance(value, int | float) and not isinstance(value, bool) and name != "seed":
                self.totals[name] = round(self.totals.get(name, 0) + value, 1)
        self.latest = [*self.latest, dict(result)][-KEPT:]


def read(kind: str, folder: Path = FOLDER) -> dict[str, Record]:
    """By name. Raises OSError or ValueError when the file cannot be read."""
    path = folder / f"{kind}.json"
    known = json.loads(path.read_text()) if path.exists() else {}
    return {name: Record(**record) for name, record in known.items()}


def record(kind: str, name: str, measured: Result, folder: Path = FOLDER) -> None:
    """Adds a result, with the commit that was run and when."""
    records = read(kind, folder)
    at = datetime.now(UTC).isoformat(timespec="seconds")
    records.setdefault(name, Record()).add({"commit": commit(), "at": at, **measured})
    write(kind, records, folder)


def write(kind: str, records: Mapping[str, Record], folder: Path = FOLDER) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    told = {name: asdict(records[name]) for name in sorted(records)}
    (folder / f"{kind}.json").write_text(json.dumps(told, indent=1) + "\n")
