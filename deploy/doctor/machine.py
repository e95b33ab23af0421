"""The machine itself: its system, its tools, who we are, what we may write, disk and memory."""

from __future__ import annotations

import getpass
import os
import platform
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from deploy.doctor.finding import Finding, fine, note, wrong
from deploy.local.space import free_megabytes, lack_of_space, needed_megabytes, owner_of, place_of

LEAST_MEMORY = 2_000  # megabytes; all the processes together were seen to take 1,900


def machine(root: Path, run_dir: Path) -> Iterator[Finding]:
    yield _system()
    yield from _tools()
    yield _user()
    yield _may_write(root)
    if run_dir.exists():
        yield _may_write(run_dir)
    yield _disk(root, run_dir)
    yield _memory()


def _system() -> Finding:
    if sys.platform != "linux" or not Path("/proc/self/stat").exists():
        return wrong(f"{platform.system()} without a Linux /proc", "use Debian 12, or a virtual machine or container with it")
    return fine(f"{_distribution()}, {os.cpu_count()} cores")


def _distribution() -> str:
    try:
        lines = Path("/etc/os-release").read_text().splitlines()
    except OSError:
        return "Linux"
    names = [line.partition("=")[2].strip('"') for line in lines if line.startswith("PRETTY_NAME=")]
    return names[0] if names else "Linux"


def _tools() -> Iterator[Finding]:
    for program, package in (("make", "make"), ("setpriv", "util-linux"), ("flock", "util-linux")):
        if shutil.which(program) is None:
            yield wrong(f"{program} is missing", f"apt-get install {package}")


def _user() -> Finding:
    if os.geteuid() == 0:
        return fine("root: `make up` installs missing Debian packages by itself, and runs PostgreSQL as another user")
    return fine(f"{getpass.getuser()}, not root: missing Debian packages are named, not installed")


def _may_write(folder: Path) -> Finding:
    if os.access(str(folder), os.W_OK | os.X_OK):
        return fine(f"{folder} may be written to")
    me, owner = getpass.getuser(), owner_of(folder)
    return wrong(f"{me} may not write to {folder}, which belongs to {owner}", f"run as {owner}, or: sudo chown -R {me} {folder}")


def _disk(root: Path, run_dir: Path) -> Finding:
    if lack := lack_of_space(root, run_dir):
        return wrong(lack, "make room there, or use a checkout on a larger disk")
    return fine(f"{free_megabytes(run_dir):,} MB of disk are free in {place_of(run_dir)}, of which {needed_megabytes(root, run_dir):,} are needed")


def _memory() -> Finding:
    try:
        text = Path("/proc/meminfo").read_text()
        free = int(text.split("MemAvailable:")[1].split()[0]) // 1024
    except (OSError, LookupError):
        return note("how much memory is free cannot be found out")
    if free < LEAST_MEMORY:
        return note(f"{free:,} MB of memory are free; all processes take about {LEAST_MEMORY:,} MB", "end other programs, or expect swapping")
    return fine(f"{free:,} MB of memory are free")
