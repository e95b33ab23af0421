"""The servers' Debian packages: where their programs are, and how they get there."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from .errors import PolderError
from .progress import Progress
from .rabbitmq_root import rabbitmq_root
from .steps import Steps

# Where Debian and Ubuntu put them; never PATH, where anything may be called initdb.
POSTGRES = Path("/usr/lib/postgresql")
# Debian's /usr/sbin/rabbitmq-server insists on the user rabbitmq; the script behind it runs as
# anyone.
RABBITMQ = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
EPMD = Path("/usr/bin/epmd")
MIRROR = "Does this machine reach its package mirror (see /etc/apt)? When it does, run again."
POLICY = Path("/usr/sbin/policy-rc.d")
MARK = "# Temporary, by Polder"


def postgres_programs() -> list[Path]:
    """The folders of the installed PostgreSQL servers' programs, newest first."""
    found = [
        program.parent
        for program in POSTGRES.glob("*/bin/postgres")
        if (program.parent / "initdb").exists()
    ]
    return sorted(found, key=lambda programs: float(programs.parent.name), reverse=True)


def rabbitmq_version() -> tuple[int, int] | None:
    """Of the installed server, as its folder says."""
    root = rabbitmq_root() or Path("/")
    for folder in sorted(root.glob("usr/lib/rabbitmq/lib/rabbitmq_server-*")):
        if found := re.fullmatch(r"rabbitmq_server-(\d+)\.(\d+).*", folder.name):
            return int(found[1]), int(found[2])
    return None


def missing_packages() -> list[str]:
    has_rabbitmq = rabbitmq_root() is not None or (RABBITMQ.exists() and EPMD.exists())
    found = {"postgresql": bool(postgres_programs()), "rabbitmq-server": has_rabbitmq}
    return [package for package, there in found.items() if not there]


def lack_of_packages() -> str:
    """What to say when some are missing and it is not for us to install them; nothing otherwise."""
    packages = missing_packages()
    if not packages:
        return ""
    if shutil.which("apt-get") is None:
        return (
            f"These servers are not installed: {', '.join(packages)} (looked where Debian puts "
            "them), and there is no apt-get.\n"
            "Use Debian 12 or Ubuntu, or a virtual machine or container with it"
        )
    if os.geteuid() != 0:
        command = " ".join(install_command(packages))
        return (
            f"These packages are missing: {', '.join(packages)}. Install them and run again:\n "
            " "
            f"sudo apt-get update && sudo {command}"
        )
    return ""


def install_command(packages: Sequence[str]) -> list[str]:
    return ["apt-get", "install", "-y", "--no-install-recommends", *packages]


def provide(steps: Steps, progress: Progress) -> None:
    """Install what is missing, as root. Raises PolderError."""
    if lack := lack_of_packages():
        raise PolderError(lack)
    packages = missing_packages()
    if not packages:
        return
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}  # a proxy of apt's, too
    with progress.step(f"Install {', '.join(packages)}"), no_servers_started():
        steps.run("apt-update", ["apt-get", "update"], environment, fix=MIRROR)
        # What an installation that was killed left unfinished.
        steps.run("apt-configure", ["dpkg", "--configure", "-a"], environment, patient=True)
        steps.run("apt-install", install_command(packages), environment, fix=MIRROR, patient=True)


@contextmanager
def no_servers_started() -> Iterator[None]:
    """Packages start no server of their own on the usual ports as long as this lasts. A policy of
    the machine's stays.

    Should the file ever stay behind, it forbids nothing once the process that wrote it is gone.
    """
    if POLICY.exists() and MARK not in POLICY.read_text():
        yield
        return
    POLICY.write_text(f"#!/bin/sh\n{MARK}\nkill -0 {os.getpid()} 2>/dev/null && exit 101\nexit 0\n")
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink(missing_ok=True)
