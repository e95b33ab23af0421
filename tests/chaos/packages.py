"""Debian packages that only fault tests need; without them, and without root, the tests that need
them are left out and say so."""

from __future__ import annotations

import os
import shutil
import subprocess

from deploy.local.packages import missing_packages
from deploy.local.stack import ROOT

# each with a program that tells it is there
WANTED = {"nftables": "nft", "iproute2": "ip", "gcc": "cc", "libc6-dev": "cc"}


def provide() -> None:
    """The servers' packages too: in a network of its own nothing can be fetched. Raises nothing
    when it cannot install."""
    missing = [
        package for package, program in WANTED.items() if shutil.which(program) is None
    ] + missing_packages()
    if not missing or os.geteuid() != 0 or shutil.which("apt-get") is None:
        return
    print(f"Installing {', '.join(missing)} ...", flush=True)
    script = ROOT / "deploy/local/packages.sh"
    done = subprocess.run(["sh", script, *missing], capture_output=True, text=True, check=False)
    if done.returncode:
        print(done.stdout + done.stderr)
