"""What an earlier supervisord, killed, has left behind."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path

import psutil

from .run_directory import RunDirectory

STOP_SECONDS = 180.0


def end_leftovers(run: RunDirectory) -> int:
    """Ends all that still runs of this run directory; how many it were. Waits for a supervisord
    that still stops."""
    with suppress(FileNotFoundError, ValueError, psutil.Error):
        old = psutil.Process(int(run.pid("supervisord").read_text()))
        if {"supervisor.supervisord", str(run.root / "supervisord.conf")} <= set(old.cmdline()):
            old.terminate()
            old.wait(STOP_SECONDS)
    left = [one for one in psutil.process_iter() if _belongs_to(one, run)]
    for one in left:
        with suppress(psutil.Error):
            one.kill()
    psutil.wait_procs(left, timeout=10)
    for pattern in ("*.pid", "processes/*.ready", "processes/*.starts"):
        for stale in run.root.glob(pattern):
            stale.unlink(missing_ok=True)
    return len(left)


def end_group(pid_file: Path) -> None:
    """Of a process that was stopped: what it has begun ends with it, and its pid file goes."""
    with suppress(FileNotFoundError, ValueError):
        leader = int(pid_file.read_text())
        pid_file.unlink()
        with suppress(ProcessLookupError, PermissionError):
            # nobody else gets its id while one of its group lives
            if not psutil.pid_exists(leader):
                os.killpg(leader, signal.SIGKILL)


def is_running(pid: int) -> bool:
    """Whether the process exists and has not ended; a zombie has."""
    with suppress(psutil.Error):
        return psutil.Process(pid).status() not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
    return False


def holder(run: RunDirectory) -> int | None:
    """The process of `make up`, None if there is none."""
    with suppress(FileNotFoundError, ValueError):
        pid = int(run.up_pid.read_text())
        return pid if is_running(pid) else None
    return None


def _belongs_to(process: psutil.Process, run: RunDirectory) -> bool:
    """By the mark that each is born with."""
    with suppress(psutil.Error):
        mark = process.environ().get("POLDER_STACK")
        return process.pid != os.getpid() and mark == str(run.root)
    return False
