"""What runs already, what an earlier run left, and the ports."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from deploy.docker.client import Client
from deploy.doctor.finding import Finding, fine, note, wrong
from deploy.local.lock import SupervisorLock
from deploy.local.packages_policy import POLICY, is_left_behind
from deploy.local.ports import Ports, taken
from deploy.local.procfs import marked
from deploy.local.run_directory import RunDirectory


def earlier_run(run_dir: Path, client: Client | None) -> Iterator[Finding]:
    """`client`: of the engine, if the shop would be in containers. Raises PolderError for a port that is none, or when the engine is gone."""
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
    if client is not None and client.running():
        yield note("its containers run already", "`make up` takes them over; `make status` lists them, `make down` ends them")
    else:
        yield from _ports(client.ports if client else Ports.from_environment(os.environ).by_variable(), left)


def _ports(by_variable: Mapping[str, int], ours: set[int]) -> Iterator[Finding]:
    not_free = taken(by_variable, but_by=ours)
    for what, mend in not_free:
        yield wrong(what, mend)
    if not not_free:
        yield fine(f"the ports are free: {', '.join(map(str, sorted(by_variable.values())))}")
