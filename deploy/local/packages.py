"""The servers' Debian packages: where their programs are, and how they get there."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from .steps import Steps

# Where Debian and Ubuntu put them; never PATH, where anything may be called initdb.
POSTGRES = Path("/usr/lib/postgresql")
# Debian's /usr/sbin/rabbitmq-server insists on the user rabbitmq; the script behind it does not.
RABBITMQ = Path("/usr/lib/rabbitmq/bin")
EPMD = Path("/usr/bin/epmd")
# Where those of RabbitMQ lie; another root has another version of them.
ROOT = Path(os.environ.get("POLDER_RABBITMQ_ROOT") or "/")
MIRROR = "Does this machine reach its package mirror (see /etc/apt)? When it does, run again."


def postgres_programs() -> list[Path]:
    """The folders of the installed PostgreSQL servers' programs, newest first."""
    found = [program.parent for program in POSTGRES.glob("*/bin/initdb")]
    return sorted(found, key=lambda programs: float(programs.parent.name), reverse=True)


def rabbitmq_version() -> tuple[int, int] | None:
    """Of the installed server, as its folder says."""
    for folder in sorted(ROOT.glob("usr/lib/rabbitmq/lib/rabbitmq_server-*")):
        if found := re.search(r"-(\d+)\.(\d+)", folder.name):
            return int(found[1]), int(found[2])
    return None


def of_rabbitmq(folder: Path, program: Path, *arguments: str) -> tuple[str, ...]:
    """A command line of one of RabbitMQ's programs, from the other root when there is one."""
    script = Path(__file__).with_name("in_root.sh")
    inside = () if Path("/") == ROOT else ("sh", str(script), str(ROOT), str(folder))
    return (*inside, str(program), *arguments)


def missing_packages() -> list[str]:
    there = Path("/") != ROOT or (RABBITMQ.exists() and EPMD.exists())
    found = {"postgresql": bool(postgres_programs()), "rabbitmq-server": there}
    return [package for package, there in found.items() if not there]


def lack_of_packages() -> str:
    """What to say when some are missing and we cannot install them; nothing otherwise."""
    packages = " ".join(missing_packages())
    if packages and shutil.which("apt-get") is None:
        return (
            f"These servers are not installed: {packages} (looked where Debian puts them), and "
            "there is no apt-get.\n"
            "Use Debian 12 or Ubuntu, or a virtual machine or container with it"
        )
    if packages and os.geteuid() != 0:
        return (
            f"These packages are missing: {packages}. Install them and run again:\n  sudo apt-get "
            f"update && sudo apt-get install -y --no-install-recommends {packages}"
        )
    return ""


def provide(steps: Steps) -> None:
    """Installs what is missing, as root. Raises PolderError."""
    if packages := missing_packages():
        script = Path(__file__).with_name("packages.sh")
        with steps.shown(f"Install {', '.join(packages)}"):
            # os.environ: a proxy of apt's, too
            steps.run("apt", ["sh", str(script), *packages], os.environ, fix=MIRROR)
