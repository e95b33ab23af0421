"""The servers' Debian packages: there already, installed by root, or named for somebody who may."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .command import CommandRunner
from .errors import PolderError
from .postgres import versions
from .progress import Progress
from .rabbitmq import EPMD, SERVER

POLICY = Path("/usr/sbin/policy-rc.d")
POLICY_MARK = "# Temporary, by Polder"
# Harmless should it ever stay behind: it forbids nothing once the process that wrote it is gone.
POLICY_TEXT = """\
#!/bin/sh
{mark}: packages must not start system servers while process {pid} installs them.
[ -d /proc/{pid} ] && exit 101
exit 0
"""


def missing() -> list[str]:
    """The packages that have to be installed."""
    found = {"postgresql": bool(versions()), "rabbitmq-server": SERVER.exists() and EPMD.exists()}
    return [package for package, there in found.items() if not there]


def provide(command: CommandRunner, progress: Progress) -> None:
    """Install what is missing. Raises PolderError with the exact command when that is not for us to do."""
    packages = missing()
    if not packages:
        return
    install = ["apt-get", "install", "-y", "--no-install-recommends", *packages]
    if shutil.which("apt-get") is None:
        raise PolderError(f"These servers are not installed: {', '.join(packages)} (looked where Debian puts them).")
    if os.geteuid() != 0:
        raise PolderError(
            f"These packages are missing: {', '.join(packages)}. Install them and run again:\n  sudo apt-get update && sudo {' '.join(install)}"
        )
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    with progress.step(f"Install {', '.join(packages)}"), no_servers_started():
        command("apt", ["apt-get", "update"], environment)
        command("apt", install, environment)


@contextmanager
def no_servers_started() -> Iterator[None]:
    """Keep the packages from starting servers of their own, on the ports that everybody else uses."""
    if POLICY.exists() and POLICY_MARK not in POLICY.read_text():
        yield  # this machine has a policy already
        return
    POLICY.write_text(POLICY_TEXT.format(mark=POLICY_MARK, pid=os.getpid()))
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink(missing_ok=True)
