"""Debian's packages installed by several processes at once, with an apt-get that minds it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from deploy.local.stack import ROOT

# as apt does, it fails when another one is at work
ALONE = """#!/bin/sh
mkdir "$AT_WORK" || { echo "could not get lock" >&2; exit 100; }
sleep 0.2
echo "$0 $*" >>"$AT_WORK.log"
rmdir "$AT_WORK"
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root installs packages")
def test_those_who_install_at_the_same_time_wait_for_each_other(tmp_path: Path) -> None:
    # Given
    for name in ("apt-get", "dpkg"):
        (tmp_path / name).write_text(ALONE)
        (tmp_path / name).chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    variables = os.environ | {"PATH": path, "AT_WORK": str(tmp_path / "at-work")}

    # When
    command = ["sh", str(ROOT / "deploy/local/packages.sh"), "anything"]
    begun = [subprocess.Popen(command, env=variables) for _ in range(3)]

    # Then
    assert [one.wait() for one in begun] == [0, 0, 0]
    log = (tmp_path / "at-work.log").read_text()
    assert log.count("install -y") == 3
