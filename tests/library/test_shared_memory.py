"""A worker's children share what it has loaded, also once Python has collected garbage."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import gc, os, sys
from pathlib import Path
from celery.signals import worker_init
from polder.consumer.shared_memory import share_with_children

loaded = [[number] for number in range(500_000)]
if sys.argv[1] == "shared":
    share_with_children()
worker_init.send(sender=None)
if os.fork() == 0:
    gc.collect()
    own = next(line for line in Path("/proc/self/smaps_rollup").read_text().splitlines()
               if line.startswith("Private_Dirty"))
    print(int(own.split()[1]) // 1000)
    sys.stdout.flush()
    os._exit(0)
os.wait()
"""


@pytest.mark.parametrize("how", ["shared", "as it comes"])
def test_a_collection_copies_nothing(how: str) -> None:
    run = [sys.executable, "-c", PROGRAM, how]
    own = int(subprocess.run(run, check=True, capture_output=True, text=True).stdout)  # MB

    assert (own < 15) == (how == "shared"), own
