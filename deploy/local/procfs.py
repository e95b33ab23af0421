"""What Linux tells about processes in /proc. Every answer may be stale by the time it is read."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

PROC = Path("/proc")
LISTEN = "0A"
MARK = "POLDER_PROCESS"  # the variable that every supervised process is born with: run directory and name


def pids() -> Iterator[int]:
    for folder in PROC.iterdir():
        if folder.name.isdigit():
            yield int(folder.name)


def command_line(pid: int) -> str:
    """The command of a process with its arguments, or "" when it is gone."""
    return _read(pid, "cmdline").replace(b"\0", b" ").decode(errors="replace").strip()


def variable(pid: int, name: str) -> str | None:
    """A variable of the environment the process was started with; None if unset, gone or not ours to read."""
    prefix = f"{name}=".encode()
    for entry in _read(pid, "environ").split(b"\0"):
        if entry.startswith(prefix):
            return entry[len(prefix) :].decode(errors="replace")
    return None


def marked(root: Path) -> set[int]:
    """The supervised processes of a run directory that still run, whoever supervises them."""
    prefix = f"{root}:"
    return {pid for pid in pids() if (variable(pid, MARK) or "").startswith(prefix) and is_running(pid)}


def started_at(pid: int) -> int | None:
    """Clock ticks from boot to the start of the process: with the pid, an identity that is never used twice."""
    fields = _stat(pid)
    return int(fields[19]) if fields else None


def is_running(pid: int) -> bool:
    """Whether the process exists and has not ended; a zombie has."""
    fields = _stat(pid)
    return bool(fields) and fields[0] not in ("Z", "X")


def children(pid: int) -> list[int]:
    """The direct children of a process that still run, oldest first."""
    found = [(int(fields[19]), other) for other in pids() if (fields := _stat(other)) and int(fields[1]) == pid]
    return [child for _, child in sorted(found) if is_running(child)]


def listener_on(port: int) -> str | None:
    """Who listens on a TCP port: "nginx (pid 12)", or None when that cannot be found out."""
    pid = listening_pid(port)
    return None if pid is None else f"{_short(command_line(pid))} (pid {pid})"


def listening_pid(port: int) -> int | None:
    """The process that listens on a TCP port; None when there is none, or it is not ours to see."""
    sockets = {f"socket:[{inode}]" for inode in _listening_inodes(port)}
    for pid in pids() if sockets else ():
        try:
            links = {os.readlink(link) for link in (PROC / str(pid) / "fd").iterdir()}
        except OSError:  # gone, or another user's
            continue
        if links & sockets:
            return pid
    return None


def _listening_inodes(port: int) -> Iterator[str]:
    for table in ("tcp", "tcp6"):
        try:
            rows = (PROC / "net" / table).read_text().splitlines()[1:]
        except OSError:
            continue
        for row in rows:
            fields = row.split()
            if fields[3] == LISTEN and int(fields[1].rpartition(":")[2], 16) == port:
                yield fields[9]


def _stat(pid: int) -> list[str]:
    """The fields of /proc/pid/stat from the state on; the name before them may hold spaces and brackets."""
    return _read(pid, "stat").decode(errors="replace").rpartition(")")[2].split()


def _read(pid: int, name: str) -> bytes:
    try:
        return (PROC / str(pid) / name).read_bytes()
    except OSError:
        return b""


def _short(command: str, limit: int = 60) -> str:
    command = re.sub(r"\s+", " ", command)
    return command if len(command) <= limit else command[: limit - 3] + "..."
