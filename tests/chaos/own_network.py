"""A network and mounts of the test's own (Linux namespaces), so that cutting the one and filling
the other reaches nobody else."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence

MARK = "POLDER_OWN_NETWORK"


def in_its_own_network(command: Sequence[str]) -> list[str]:
    """The command in a namespace that ends with it, when one can be made; else the command as it
    is."""
    if (
        os.geteuid() != 0
        or shutil.which("nft") is None
        or subprocess.run(["unshare", "--net", "--mount", "true"], check=False).returncode != 0
    ):
        return list(command)
    return [
        "unshare",
        "--net",
        "--mount",
        "--",
        "sh",
        "-c",
        f'ip link set lo up && export {MARK}=1 && exec "$@"',
        "sh",
        *command,
    ]


def network_is_ours() -> bool:
    """Whether this process is in one, so that nftables may be used without anybody else
    noticing.
    """
    return os.environ.get(MARK) == "1"
