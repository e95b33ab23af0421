"""`make seeded`: plants each of the bugs into a copy of the code, runs the copy, and fails for each
bug that nothing catches."""

from __future__ import annotations

import argparse
import json
import random
import re
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from deploy.local.stack import ROOT
from polder.failpoints import VARIABLE
from tests.edited_copy import edited_copy
from tests.faults.results import commit
from tests.faults.scene import Scene, events
from tests.load import Load
from tests.seeded.bug import Bug
from tests.seeded.bugs import BUGS
from tests.standing import standing_shop
from tests.temporary import failpoints_in, temporary_folder

RESULTS = ROOT / "docs" / "reliability" / "seeded.json"
PATIENCE = 20.0  # seconds in which a shop without the bug would have come to rest many times over


@dataclass
class Verdict:
    """`by` names every invariant or test that caught it; `first` is what the first one said."""

    bug: str
    caught: bool
    by: list[str]
    first: str
    events: int  # committed when it was caught; 0 when a test caught it
    tests: int = 0  # that were run, when tests were


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="make seeded", description=__doc__, epilog="Example: make seeded filter=relay"
    )
    parser.add_argument("-k", default="", help="only the bugs with this in their name")
    parser.add_argument(
        "--record",
        action="store_true",
        help=f"write what caught them to {RESULTS.relative_to(ROOT)}",
    )
    options = parser.parse_args()
    verdicts = []
    for bug in BUGS:
        if options.k in bug.name:
            verdict = _tried(bug)
            verdicts.append(verdict)
            if options.record and (verdict.events or verdict.tests):
                _record(verdict)
            print(
                f"  {'✓' if verdict.caught else '✗'} {bug.name}: {_told(bug, verdict)}\n      "
                f"{verdict.first[:200]}",
                flush=True,
            )
    missed = [verdict.bug for verdict in verdicts if not verdict.caught]
    print(f"make seeded: {f'not caught: {missed}' if missed else f'all {len(verdicts)} caught'}")
    return 1 if missed or not verdicts else 0


def _told(bug: Bug, verdict: Verdict) -> str:
    after = f"after {verdict.events} events" if verdict.events else f"after {verdict.tests} tests"
    if verdict.caught:
        return f"caught by {bug.expected} {after}" + (
            f"; also by {', '.join(others)}"
            if (others := [by for by in verdict.by if by != bug.expected])
            else ""
        )
    return f"NOT CAUGHT by {bug.expected} {after}" + (
        f", only by {', '.join(verdict.by)}" if verdict.by else ""
    )


def _record(verdict: Verdict) -> None:
    known = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    known[verdict.bug] = {
        "commit": commit(),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        **vars(verdict),
    }
    RESULTS.write_text(json.dumps(known, indent=1) + "\n")


def _tried(bug: Bug) -> Verdict:
    with temporary_folder("seeded") as folder:
        root = edited_copy(folder, bug.edits)
        try:
            return _struck(bug, root, folder) if bug.strike else _tested(bug, root)
        except Exception as error:  # a shop that does not even start shows nothing of the checker
            return Verdict(
                bug.name, False, [], f"the shop with the bug could not be tried: {error!r}", 0
            )


def _struck(bug: Bug, root: Path, folder: Path) -> Verdict:
    assert bug.strike is not None
    failpoints = failpoints_in(folder)
    said: list[str] = []
    with standing_shop(folder, {VARIABLE: str(failpoints)}, root=root, strict=False) as (
        stack,
        shop,
        checker,
    ):
        load = Load(shop, merchant=True, patience=20.0)
        scene = Scene(stack, shop, load, checker, random.Random(1), failpoints)
        try:
            with load.flowing():
                scene.orders()
                bug.strike(scene)
        except Exception as error:  # the bug may well keep the fault from ending as it should
            said.append(f"the fault did not end: {error!r}")
        checker.wait_until_quiet(PATIENCE)
        violations = list(checker.violations())
        count = events(shop)
    by = list(dict.fromkeys(violation.invariant for violation in violations))
    first = next(
        (v for v in violations if v.invariant == bug.expected),
        violations[0] if violations else None,
    )
    return Verdict(
        bug.name,
        bug.expected in by,
        by,
        f"{first.where}: {first.detail}" if first else " ".join(said),
        count,
    )


def _tested(bug: Bug, root: Path) -> Verdict:
    run = subprocess.run(
        [sys.executable, "-m", "tests", *bug.tests],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    failed = re.findall(r"^(?:FAILED|ERROR) \S+::(\w+)", run.stdout, re.MULTILINE)
    reason = re.search(r"^E +(.+)$", run.stdout, re.MULTILINE)
    count = sum(int(number) for number in re.findall(r"(\d+) (?:passed|failed|error)", run.stdout))
    return Verdict(
        bug.name,
        bug.expected in failed,
        failed,
        reason[1] if reason else f"{run.stdout}{run.stderr}".strip()[-300:],
        0,
        count,
    )


if __name__ == "__main__":
    sys.exit(main())
