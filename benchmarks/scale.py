"""The apply comparison with one worker of ours, and more processes in its pool each time: where
more of them gain nothing any more."""

from __future__ import annotations

from collections.abc import Mapping

from benchmarks.apply import ApplyComparison
from benchmarks.contender import Contender


class ScaleComparison(ApplyComparison):
    name = "scale"
    title = "Apply, by processes of one worker"
    contenders = tuple(
        Contender(
            "1 process" if number == 1 else f"{number} processes",
            ("manage.py", "order", "worker", f"--concurrency={number}"),
        )
        for number in (1, 2, 3, 4)
    )
    aims: Mapping[str, float] = {}
    remark = "The same worker and the same queue, with other numbers of processes in its pool."
    rounds = 3
