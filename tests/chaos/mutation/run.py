"""Plants each of the bugs into a copy of the code and runs the copy. A bug that nothing catches is
a failure."""

from __future__ import annotations

import re
import subprocess
import sys
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.chaos.kind import Kind, matches
from tests.chaos.mutation.bug import Bug
from tests.chaos.mutation.bugs import BUGS
from tests.chaos.mutation.edited_copy import edited_copy
from tests.chaos.report.results import record
from tests.chaos.scene import events, scene_of_its_own
from tests.temporary import temporary_folder

REST = 20.0  # seconds in which a shop without the bug would have come to rest many times over
PATIENCE, PAUSE = 20.0, 0.04


@dataclass
class Verdict:
    """`by` names every invariant or test that caught it; `first` is what the first one said."""

    caught: bool = False
    by: list[str] = field(default_factory=list)
    first: str = ""
    events: int = 0  # committed when it was caught; 0 when a test caught it
    tests: int = 0  # that were run, when tests were


def run(options: Namespace) -> list[str]:
    chosen = [bug for bug in BUGS if matches(bug.name, options.filter)]
    failures = [] if chosen else [f"no bug has {options.filter!r} in its name"]
    for bug in chosen:
        verdict = _tried(bug)
        after = f"{verdict.events} events" if verdict.events else f"{verdict.tests} tests"
        by = ", ".join(verdict.by) or "nothing"
        told = f"{bug.name}: has to be caught by {bug.expected}, caught by {by} after {after}"
        print(f"{'✓' if verdict.caught else '✗'} {told}\n    {verdict.first[:200]}", flush=True)
        if options.record and (verdict.events or verdict.tests):
            record("mutation", bug.name, asdict(verdict))
        if not verdict.caught:
            failures.append(told)
    return failures


def _tried(bug: Bug) -> Verdict:
    with temporary_folder("mutation") as folder:
        root = edited_copy(folder, bug.edits)
        try:
            return _injected(bug, root) if bug.inject else _tested(bug, root)
        except Exception as error:  # a shop that does not even start shows nothing of the checker
            return Verdict(first=f"the shop with the bug could not be tried: {error!r}")


def _injected(bug: Bug, root: Path) -> Verdict:
    assert bug.inject is not None
    said = ""
    with scene_of_its_own(1, PAUSE, root=root, strict=False, patience=PATIENCE) as scene:
        try:
            with scene.load.flowing():
                scene.orders()
                bug.inject(scene)
        except Exception as error:  # the bug may well keep the fault from ending as it should
            said = f"the fault did not end: {error!r}"
        scene.checker.wait_until_quiet(REST)
        violations = list(scene.checker.violations())
        count = events(scene.shop)
    by = list(dict.fromkeys(violation.invariant for violation in violations))
    expected = [v for v in violations if v.invariant == bug.expected]
    first = next(iter([*expected, *violations]), None)
    return Verdict(
        bug.expected in by, by, f"{first.where}: {first.detail}" if first else said, count
    )


def _tested(bug: Bug, root: Path) -> Verdict:
    command = [sys.executable, "-m", "tests", *bug.tests]
    run = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    failed = re.findall(r"^(?:FAILED|ERROR) \S+::(\w+)", run.stdout, re.MULTILINE)
    reason = re.search(r"^E +(.+)$", run.stdout, re.MULTILINE)
    count = sum(int(number) for number in re.findall(r"(\d+) (?:passed|failed|error)", run.stdout))
    said = reason[1] if reason else f"{run.stdout}{run.stderr}".strip()[-300:]
    return Verdict(bug.expected in failed, failed, said, tests=count)


def _names() -> Iterator[tuple[str, str]]:
    return ((bug.name, f"has to be caught by {bug.expected}") for bug in BUGS)


KIND = Kind("known bugs planted into a copy of the code; each must be caught", run, _names)
