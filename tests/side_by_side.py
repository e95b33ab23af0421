"""Commands that run side by side, each of whose output is shown whole when it has ended."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

AT_ONCE = 3  # also on two processors: each waits for something now and then


def run_side_by_side(commands: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """The exit status of each, by its name. The first ones begin first."""

    def run(name: str) -> int:
        print(f"{name}: begins", flush=True)
        began = time.monotonic()
        with tempfile.TemporaryFile() as output:
            code = subprocess.run(
                commands[name], stdout=output, stderr=subprocess.STDOUT, check=False
            ).returncode
            output.seek(0)
            told = output.read().decode(errors="replace")
        seconds = time.monotonic() - began
        print(f"\n=== {name}, {seconds:.0f} s ===\n{told}", end="", flush=True)
        return code

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return dict(zip(commands, pool.map(run, commands), strict=True))
