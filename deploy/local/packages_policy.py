"""Keeps Debian packages from starting servers of their own when they are installed, on the ports that everybody else uses."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .procfs import started_at

POLICY = Path("/usr/sbin/policy-rc.d")
MARK = "# Temporary, by Polder"
# Harmless should it ever stay behind: it forbids nothing once the process that wrote it is gone.
FORBIDDEN = 101
TEXT = """\
#!/bin/sh
{mark}: packages must not start system servers while process {pid} installs them.
started=$(sed 's/.*) //' /proc/{pid}/stat 2>/dev/null | cut -d' ' -f20)
[ "$started" = {started} ] && exit {forbidden}
exit 0
"""


@contextmanager
def no_servers_started() -> Iterator[None]:
    """As long as this lasts. May be killed: the next time removes what it left."""
    if POLICY.exists() and not is_left_behind():
        yield  # this machine has a policy already
        return
    POLICY.write_text(TEXT.format(mark=MARK, pid=os.getpid(), started=started_at(os.getpid()), forbidden=FORBIDDEN))
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink(missing_ok=True)


def is_left_behind() -> bool:
    """Whether the policy there is ours, and its process was killed."""
    try:
        return MARK in POLICY.read_text() and subprocess.run([str(POLICY)], check=False).returncode != FORBIDDEN
    except OSError:
        return False
