"""The servers' Debian packages: there already, installed by root, or named for somebody who may."""

import os
import shutil

from .command import CommandRunner
from .errors import PolderError
from .installed import install_command, missing_packages
from .packages_policy import no_servers_started
from .progress import Progress

MIRROR = "Does this machine reach its package mirror (see /etc/apt)? When it does, run again."


def provide(command: CommandRunner, progress: Progress) -> None:
    """Install what is missing. Raises PolderError with the exact command when that is not for us to do."""
    packages = missing_packages()
    if not packages:
        return
    install = install_command(packages)
    if shutil.which("apt-get") is None:
        raise PolderError(
            f"These servers are not installed: {', '.join(packages)} (looked where Debian puts them), and there is no apt-get.\n"
            "Use Debian 12 or Ubuntu, or a virtual machine or container with it."
        )
    if os.geteuid() != 0:
        raise PolderError(
            f"These packages are missing: {', '.join(packages)}. Install them and run again:\n  sudo apt-get update && sudo {' '.join(install)}"
        )
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    with progress.step(f"Install {', '.join(packages)}"), no_servers_started():
        command("apt", ["apt-get", "update"], environment, mend=MIRROR)
        command("apt", ["dpkg", "--configure", "-a"], environment, interruptible=False)  # what an installation that was killed left
        command("apt", install, environment, mend=MIRROR, interruptible=False)
