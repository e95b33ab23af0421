"""The results of fault runs, as a file that is checked in: each run of each fault, and the commit
it was run on."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from deploy.checked_out import commit
from tests.faults.run import Run


@dataclass
class Results:
    """`runs` by fault; each with the commit it was run on."""

    runs: dict[str, list[dict[str, str | float]]]

    @classmethod
    def read(cls, path: Path) -> Self:
        """Empty when there is no such file."""
        return cls(json.loads(path.read_text()) if path.exists() else {})

    def add(self, run: Run) -> None:
        self.runs.setdefault(run.fault, []).append(
            {
                "commit": commit(),
                **{name: value for name, value in asdict(run).items() if name != "fault"},
            }
        )

    def write(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(self.runs, indent=1, sort_keys=True) + "\n")


def worst(runs: Iterable[Mapping[str, str | float]], name: str) -> float:
    return max(float(run[name]) for run in runs)
