"""What the processes use: the memory of each, by the name of who it belongs to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from deploy.local.stack import Stack

PROC = Path("/proc")
SERVERS = {"postgres": "PostgreSQL", "rabbitmq": "RabbitMQ", "epmd": "RabbitMQ"}
SHARED = "PostgreSQL, shared buffers"


def memory(stack: Stack) -> dict[str, float]:
    """MB by process of the stack, its children apart: PSS, so that pages that several share are
    counted once.

    PostgreSQL's buffers, which fill until they are full, are told apart from what its processes
    hold.
    """
    below = _children()
    used: dict[str, float] = defaultdict(float)
    for view in stack.processes():
        if view.pid is None:
            continue
        name = SERVERS.get(view.name, view.name)
        for pid in (view.pid, *_descendants(view.pid, below)):
            pss = _pss(pid)
            if name in SERVERS.values():
                used[name] += pss.get("Pss", 0.0) - pss.get("Pss_Shmem", 0.0)
                if name == SERVERS["postgres"]:
                    used[SHARED] += pss.get("Pss_Shmem", 0.0)
            else:
                used[name if pid == view.pid else f"{name}, children"] += pss.get("Pss", 0.0)
    return dict(used)


def _children() -> dict[int, list[int]]:
    below: dict[int, list[int]] = defaultdict(list)
    for folder in PROC.iterdir():
        if folder.name.isdigit():
            try:
                fields = (folder / "stat").read_text(errors="replace").rpartition(")")[2].split()
            except OSError:
                continue
            below[int(fields[1])].append(int(folder.name))
    return below


def _descendants(pid: int, below: dict[int, list[int]]) -> Iterator[int]:
    for child in below[pid]:
        yield child
        yield from _descendants(child, below)


def _pss(pid: int) -> dict[str, float]:
    try:
        lines = (PROC / str(pid) / "smaps_rollup").read_text().splitlines()[1:]
    except OSError:  # it has just ended, or belongs to somebody else
        return {}
    pairs = (line.split(":") for line in lines if line.startswith("Pss"))
    return {name: int(value.split()[0]) / 1000 for name, value in pairs}
