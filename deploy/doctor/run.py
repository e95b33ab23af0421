"""What runs already, what an earlier run left, and the ports."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from deploy.doctor.finding import Finding, fine, note, wrong
from deploy.local.errors import PolderError
from deploy.local.lock import SupervisorLock
from deploy.local.packages_policy import POLICY, is_left_behind
from deploy.local.ports import Ports
from deploy.local.procfs import marked
from deploy.local.run_directory import RunDirectory


def earlier_run(run_dir: Path) -> Iterator[Finding]:
    run = RunDirectory(run_dir)
    holder = SupervisorLock(run.lock).holder()
    if holder is not None:
        yield wrong(f"Polder runs here already (process {holder})", "make status; stop it with `make down`")
        return
    left = marked(run.root)
    if left:
        yield note(f"{len(left)} processes of an earlier run are left ({', '.join(map(str, sorted(left)[:5]))})", "`make up` ends them first")
    if (run.postgres / "data.new").exists():
        yield note("an earlier run was interrupted while it made the database cluster", "`make up` makes it anew")
    if is_left_behind():
        yield note(f"{POLICY} was left by an installation that was killed; it forbids nothing any more", f"rm {POLICY}")
    yield from _ports(left)


def _ports(ours: set[int]) -> Iterator[Finding]:
    try:
        ports = Ports.from_environment(os.environ)
        taken = ports.taken(but_by=ours)
    except PolderError as error:
        yield wrong(str(error), "set it to a free one")
        return
    for what, mend in taken:
        yield wrong(what, mend)
    if not taken:
        yield fine(f"the ports are free: {', '.join(map(str, sorted(ports.by_variable().values())))}")
